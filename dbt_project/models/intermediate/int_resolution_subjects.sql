with episodes as (

    select * from {{ ref('int_cohort_episodes') }}

),

-- Every episode once for each way of dividing them, of its project and of the organization.
subjects as (

    select
        kinds.measure,
        if(scopes.is_organization, null, episodes.project_id) as project_id,
        case kinds.measure
            when 'resolution_by_level' then episodes.issue_level
            when 'resolution_by_priority' then episodes.issue_priority
        end as segment,
        episodes.month_start_date as cohort_date,
        episodes.censor_kind,
        episodes.open_hours as hours,
        episodes.is_resolved as is_event,
        episodes.as_of

    from episodes
    cross join
        (values ('resolution'), ('resolution_by_level'), ('resolution_by_priority'))
            as kinds (measure)
    cross join (values (false), (true)) as scopes (is_organization)

)

select * from subjects

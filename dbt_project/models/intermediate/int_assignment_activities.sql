with activities as (

    select * from {{ ref('stg_sentry__issue_activities') }}

),

clock as (

    select * from {{ ref('int_as_of') }}

),

-- From a chat a person assigns; every other integration is a rule of Sentry's.
assignments as (

    select
        activities.activity_id,
        activities.issue_id,
        activities.assignee_key,
        case
            when activities.assignment_integration is null then activities.assignee_type
            when activities.assignment_integration in ('slack', 'msteams', 'discord')
                then activities.assignee_type
            else 'auto'
        end as assignment_source,
        activities.occurred_at

    from activities
    inner join clock
        on activities.occurred_at <= clock.as_of

    where
        (activities.activity_type = 'assigned' and activities.assignee_key is not null)
        or activities.activity_type = 'unassigned'

)

select * from assignments

with episodes as (

    select * from {{ ref('int_episodes') }}

),

summaries as (

    select * from {{ ref('int_episode_assignment_summaries') }}

),

rules as (

    select * from {{ ref('finding_rules') }}

),

first_releases as (

    select * from {{ ref('int_project_first_releases') }}

),

closings as (

    select
        episodes.project_id,
        episodes.issue_id,
        episodes.close_kind,
        episodes.is_resolved,
        summaries.is_assigned_at_close,
        coalesce(first_releases.first_released_at < episodes.closed_at, false) as has_releases,
        episodes.opened_at,
        episodes.closed_at

    from episodes
    inner join summaries
        on episodes.episode_id = summaries.episode_id
    left join first_releases
        on episodes.project_id = first_releases.project_id

),

judged as (

    select
        rules.rule_name,
        closings.project_id,
        closings.issue_id,
        case rules.rule_name
            when 'archived_instead_of_fixed'
                then closings.is_resolved or closings.close_kind = 'archived'
            when 'closed_by_age'
                then closings.is_resolved or closings.close_kind in ('archived', 'by_age')
            when 'resolved_by_nobody' then closings.is_resolved
            when 'resolved_without_release' then closings.is_resolved and closings.has_releases
        end as is_trial,
        case rules.rule_name
            when 'archived_instead_of_fixed' then closings.close_kind = 'archived'
            when 'closed_by_age' then closings.close_kind = 'by_age'
            when 'resolved_by_nobody' then not closings.is_assigned_at_close
            when 'resolved_without_release' then closings.close_kind = 'manual'
        end as is_success,
        closings.opened_at as entered_at,
        closings.closed_at as decided_at

    from closings
    cross join rules

),

trials as (

    select * exclude (is_trial) from judged
    where is_trial

)

select * from trials

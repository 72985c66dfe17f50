with episodes as (

    select * from {{ ref('int_episodes') }}

),

assignments as (

    select * from {{ ref('int_episode_assignment_summaries') }}

),

issues as (

    select * from {{ ref('stg_sentry__issues') }}

),

projects as (

    select * from {{ ref('int_projects') }}

),

described as (

    select
        episodes.episode_id,
        episodes.issue_id,
        issues.issue_short_id,
        episodes.project_id,
        projects.project_slug,
        episodes.opened_by,
        episodes.opened_in_version,
        episodes.close_kind,
        if(episodes.is_resolved, null, coalesce(episodes.close_kind, 'open')) as censor_kind,
        episodes.closed_in_version,
        issues.level,
        issues.priority,
        issues.platform,
        issues.issue_category,
        episodes.episode_number,
        assignments.assignment_count,
        assignments.assignee_count,
        {{ hours_between('episodes.opened_at', 'episodes.ended_at') }} as open_hours,
        case
            when episodes.is_resolved
                then {{ hours_between('episodes.opened_at', 'episodes.closed_at') }}
        end as resolution_hours,
        {{ hours_between('episodes.opened_at', 'assignments.first_assigned_at') }}
            as hours_to_first_assignment,
        case
            when episodes.is_resolved
                then {{ hours_between('assignments.last_assigned_at', 'episodes.closed_at') }}
        end as hours_from_last_assignment,
        issues.is_unhandled,
        episodes.is_resolved,
        not episodes.is_resolved as is_censored,
        episodes.closed_at is null as is_open,
        assignments.is_assigned_at_close,
        episodes.is_open_inferred,
        episodes.is_close_inferred,
        cast(date_trunc('month', episodes.opened_at) as date) as cohort_month,
        episodes.opened_at,
        episodes.closed_at,
        assignments.first_assigned_at,
        assignments.last_assigned_at,
        episodes.as_of

    from episodes
    inner join assignments using (episode_id)
    inner join issues using (issue_id)
    inner join projects
        on episodes.project_id = projects.project_id

)

select * from described

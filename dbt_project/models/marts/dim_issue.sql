with issues as (

    select * from {{ ref('stg_sentry__issues') }}

),

projects as (

    select * from {{ ref('int_projects') }}

),

clocks as (

    select * from {{ ref('int_project_clocks') }}

),

standings as (

    select * from {{ ref('int_issue_standings') }}

),

described as (

    select
        issues.issue_id,
        issues.issue_short_id,
        issues.project_id,
        projects.project_slug,
        standings.surviving_issue_id,
        standings.issue_state,
        issues.issue_status,
        issues.issue_substatus,
        issues.tombstone,
        issues.level,
        issues.priority,
        issues.platform,
        issues.issue_type,
        issues.issue_category,
        issues.assignee_type,
        issues.assignee_key,
        standings.first_release_id,
        standings.attribution_method,
        issues.event_count,
        issues.comment_count,
        standings.episode_count,
        standings.resolution_count,
        standings.regression_count,
        issues.is_unhandled,
        standings.is_merged,
        standings.is_history_read,
        standings.is_history_cut_off,
        issues.first_seen_at,
        issues.last_seen_at,
        standings.last_closed_at,
        issues.observed_at,
        clocks.as_of

    from issues
    inner join projects using (project_id)
    inner join clocks using (project_id)
    inner join standings using (issue_id)

)

select * from described

with episodes as (

    select * from {{ ref('int_episodes') }}

),

clocks as (

    select * from {{ ref('int_project_clocks') }}

),

summaries as (

    select * from {{ ref('int_episode_assignment_summaries') }}

),

issues as (

    select * from {{ ref('stg_sentry__issues') }}

),

-- A cohort is not known before all issues of the project are.
timed as (

    select
        episodes.episode_id,
        episodes.project_id,
        coalesce(issues.level, 'unknown') as issue_level,
        coalesce(issues.priority, 'unknown') as issue_priority,
        if(episodes.is_resolved, null, coalesce(episodes.close_kind, 'open')) as censor_kind,
        {{ hours_between('episodes.opened_at', 'episodes.ended_at') }} as open_hours,
        {{ hours_between(
            'episodes.opened_at', 'coalesce(summaries.first_assigned_at, episodes.ended_at)'
        ) }} as unassigned_hours,
        episodes.is_resolved,
        summaries.first_assigned_at is not null as is_assigned,
        cast(date_trunc('month', episodes.opened_at) as date) as month_start_date,
        cast(date_trunc('week', episodes.opened_at) as date) as week_start_date,
        episodes.as_of

    from episodes
    inner join summaries
        on episodes.episode_id = summaries.episode_id
    inner join issues
        on episodes.issue_id = issues.issue_id
    inner join clocks
        on episodes.project_id = clocks.project_id

    where clocks.issues_from_at is null

)

select * from timed

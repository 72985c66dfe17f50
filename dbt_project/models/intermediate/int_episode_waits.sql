with episodes as (

    select * from {{ ref('int_episodes') }}

),

summaries as (

    select * from {{ ref('int_episode_assignment_summaries') }}

),

issues as (

    select * from {{ ref('stg_sentry__issues') }}

),

returns as (

    select
        issue_id,
        assigned_at as returned_at

    from {{ ref('int_assignment_spans') }}

    where is_return

),

-- A handoff back while the episode is open, after it was first assigned.
first_returns as (

    select
        episodes.episode_id,
        min(returns.returned_at) as first_returned_at

    from episodes
    inner join summaries
        on episodes.episode_id = summaries.episode_id
    inner join returns
        on episodes.issue_id = returns.issue_id

    where
        returns.returned_at > summaries.first_assigned_at
        and returns.returned_at < episodes.ended_at

    group by episodes.episode_id

),

waits as (

    select
        episodes.episode_id,
        coalesce(issues.priority = 'high', false) as is_urgent,
        summaries.first_assigned_at,
        least(summaries.first_assigned_at, episodes.closed_at) as first_handled_at,
        first_returns.first_returned_at,
        lead(
            if(episodes.opened_by in ('regression', 'reopened'), episodes.opened_at, null)
        ) over (
            partition by episodes.issue_id
            order by episodes.episode_number
        ) as again_opened_at

    from episodes
    inner join summaries
        on episodes.episode_id = summaries.episode_id
    inner join issues
        on episodes.issue_id = issues.issue_id
    left join first_returns
        on episodes.episode_id = first_returns.episode_id

)

select * from waits

with episodes as (

    select * from {{ ref('int_episodes') }}

),

limits as (

    select to_hours(cast(rule_limit as bigint)) as time_limit
    from {{ ref('finding_rules') }}

    where rule_name = 'growing_stale_backlog'

),

-- Episodes that were open for longer than the limit: they moved into the backlog when it passed.
stale as (

    select
        episodes.project_id,
        episodes.issue_id,
        episodes.opened_at + limits.time_limit as stale_at,
        episodes.closed_at

    from episodes
    cross join limits

    where episodes.ended_at > episodes.opened_at + limits.time_limit

),

trials as (

    select
        'growing_stale_backlog' as rule_name,
        project_id,
        issue_id,
        true as is_success,
        stale_at as entered_at,
        stale_at as decided_at

    from stale

    union all

    select
        'growing_stale_backlog' as rule_name,
        project_id,
        issue_id,
        false as is_success,
        closed_at as entered_at,
        closed_at as decided_at

    from stale

    where closed_at is not null

)

select * from trials

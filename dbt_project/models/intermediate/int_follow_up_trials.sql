with episodes as (

    select * from {{ ref('int_episodes') }}

),

waits as (

    select * from {{ ref('int_episode_waits') }}

),

rules as (

    select
        rule_name,
        to_hours(cast(rule_limit as bigint)) as time_limit
    from {{ ref('finding_rules') }}

),

-- From when on a rule watches the episode, and what it then waits for.
watched as (

    select
        rules.rule_name,
        rules.time_limit,
        episodes.project_id,
        episodes.issue_id,
        rules.rule_name in ('slow_first_assignment', 'urgent_left_open') as is_hoped_for,
        episodes.opened_at as entered_at,
        case rules.rule_name
            when 'regressions_after_resolution'
                then if(episodes.is_resolved, episodes.closed_at, null)
            when 'reassignment_ping_pong' then waits.first_assigned_at
            when 'slow_first_assignment' then episodes.opened_at
            when 'urgent_left_open' then if(waits.is_urgent, episodes.opened_at, null)
        end as watched_from_at,
        case rules.rule_name
            when 'regressions_after_resolution' then waits.again_opened_at
            when 'reassignment_ping_pong' then waits.first_returned_at
            when 'slow_first_assignment' then waits.first_handled_at
            when 'urgent_left_open' then episodes.closed_at
        end as awaited_at

    from episodes
    inner join waits
        on episodes.episode_id = waits.episode_id
    cross join rules

),

-- What is hoped for is bad if it does not come in time, anything else if it does.
trials as (

    select
        rule_name,
        project_id,
        issue_id,
        coalesce(awaited_at <= watched_from_at + time_limit, false) != is_hoped_for as is_success,
        entered_at,
        watched_from_at + time_limit as decided_at

    from watched

    where watched_from_at is not null

)

select * from trials

with episodes as (

    select * from {{ ref('int_episodes') }}

),

spans as (

    select * from {{ ref('int_assignment_spans') }}

),

held as (

    select
        episodes.episode_id,
        spans.assignment_id,
        episodes.project_id,
        spans.assignee_key,
        greatest(spans.assigned_at, episodes.opened_at) as held_from_at,
        -- Null while it is held: `least` passes over nulls.
        least(spans.assigned_until_at, episodes.closed_at) as held_until_at,
        least(spans.assigned_until_at, episodes.ended_at) as counted_until_at

    from episodes
    inner join spans
        on
            episodes.issue_id = spans.issue_id
            and episodes.ended_at > spans.assigned_at
            and (spans.assigned_until_at is null or spans.assigned_until_at > episodes.opened_at)

)

select * from held

with episodes as (

    select * from {{ ref('int_episodes') }}
    where is_resolved

),

episode_assignments as (

    select * from {{ ref('int_episode_assignments') }}

),

spans as (

    select * from {{ ref('int_assignment_spans') }}

),

-- Who had the issue when it was resolved.
assignees as (

    select
        episodes.episode_id,
        episodes.issue_id,
        episodes.project_id,
        spans.assignee_key,
        spans.assignee_type,
        episodes.opened_at,
        episodes.closed_at

    from episodes
    inner join episode_assignments
        on
            episodes.episode_id = episode_assignments.episode_id
            and episodes.closed_at = episode_assignments.held_until_at
    inner join spans
        on episode_assignments.assignment_id = spans.assignment_id

)

select * from assignees

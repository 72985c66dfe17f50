with episodes as (

    select * from {{ ref('int_episodes') }}

),

episode_assignments as (

    select * from {{ ref('int_episode_assignments') }}

),

summaries as (

    select
        episodes.episode_id,
        count(episode_assignments.assignment_id) as assignment_count,
        count(distinct episode_assignments.assignee_key) as assignee_count,
        coalesce(
            bool_or(episode_assignments.held_until_at = episodes.closed_at), false
        ) as is_assigned_at_close,
        min(episode_assignments.held_from_at) as first_assigned_at,
        max(episode_assignments.held_from_at) as last_assigned_at

    from episodes
    left join episode_assignments
        on episodes.episode_id = episode_assignments.episode_id

    group by episodes.episode_id

)

select * from summaries

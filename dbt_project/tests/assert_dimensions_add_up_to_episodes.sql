-- Projects whose issues in `dim_project`, `dim_issue` and `resolution_time` are not the same.
with projects as (

    select * from {{ ref('dim_project') }}

),

issues as (

    select
        project_id,
        count(*) as issue_count,
        count(*) filter (where issue_state = 'open') as open_issue_count,
        sum(episode_count) as episode_count,
        sum(resolution_count) as resolution_count

    from {{ ref('dim_issue') }}

    group by project_id

),

episodes as (

    select
        project_id,
        count(*) as episode_count,
        count(*) filter (where is_resolved) as resolution_count,
        count(*) filter (where is_open) as open_issue_count

    from {{ ref('resolution_time') }}

    group by project_id

)

select projects.project_id

from projects
left join issues
    on projects.project_id = issues.project_id
left join episodes
    on projects.project_id = episodes.project_id

where
    projects.issue_count != coalesce(issues.issue_count, 0)
    or projects.open_issue_count != coalesce(issues.open_issue_count, 0)
    or projects.open_issue_count != coalesce(episodes.open_issue_count, 0)
    or coalesce(issues.episode_count, 0) != coalesce(episodes.episode_count, 0)
    or coalesce(issues.resolution_count, 0) != coalesce(episodes.resolution_count, 0)

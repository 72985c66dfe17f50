with projects as (

    select * from {{ ref('int_projects') }}

),

listed as (

    select * from {{ ref('stg_sentry__projects') }}

),

clocks as (

    select * from {{ ref('int_project_clocks') }}

),

issue_counts as (

    select * from {{ ref('int_project_issue_counts') }}

),

release_counts as (

    select
        project_id,
        count(*) as release_count
    from {{ ref('stg_sentry__release_projects') }}

    group by project_id

),

described as (

    select
        projects.project_id,
        projects.project_slug,
        projects.platform,
        case
            when listed.project_id is null then 'unlisted'
            when projects.lost_at is not null then 'lost'
            else 'listed'
        end as project_state,
        coalesce(issue_counts.issue_count, 0) as issue_count,
        coalesce(issue_counts.open_issue_count, 0) as open_issue_count,
        coalesce(release_counts.release_count, 0) as release_count,
        listed.is_member,
        clocks.issues_from_at is null as is_history_complete,
        clocks.release_volumes_from_date,
        listed.created_at,
        listed.first_event_at,
        clocks.issues_from_at,
        projects.lost_at,
        clocks.as_of

    from projects
    inner join clocks
        on projects.project_id = clocks.project_id
    left join listed
        on projects.project_id = listed.project_id
    left join issue_counts
        on projects.project_id = issue_counts.project_id
    left join release_counts
        on projects.project_id = release_counts.project_id

)

select * from described

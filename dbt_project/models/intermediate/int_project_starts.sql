with projects as (

    select * from {{ ref('int_projects') }}

),

error_days as (

    select * from {{ ref('int_project_error_days') }}

),

episodes as (

    select * from {{ ref('int_episodes') }}

),

spans as (

    select * from {{ ref('int_assignment_spans') }}

),

first_error_days as (

    select
        project_id,
        min(error_date) as first_error_date

    from error_days

    group by project_id

),

first_episodes as (

    select
        project_id,
        cast(min(opened_at) as date) as first_episode_date

    from episodes

    group by project_id

),

first_assignments as (

    select
        project_id,
        cast(min(assigned_at) as date) as first_assignment_date

    from spans

    group by project_id

),

-- `least` passes over nulls; a project without any of the three has no days.
starts as (

    select
        projects.project_id,
        projects.project_slug,
        first_error_days.first_error_date,
        least(first_error_date, first_episode_date, first_assignment_date) as from_date

    from projects
    left join first_error_days using (project_id)
    left join first_episodes using (project_id)
    left join first_assignments using (project_id)

)

select * from starts

with projects as (

    select * from {{ ref('stg_sentry__projects') }}

),

issues as (

    select * from {{ ref('stg_sentry__issues') }}

),

error_volume as (

    select * from {{ ref('stg_sentry__project_error_volume') }}

),

issue_release_volume as (

    select * from {{ ref('stg_sentry__issue_release_volume') }}

),

release_projects as (

    select * from {{ ref('stg_sentry__release_projects') }}

),

project_coverage as (

    select * from {{ ref('stg_sentry__load_coverage') }}
    where coverage_subject = 'project'

),

mentioned as (

    select project_id from projects
    union
    select project_id from issues
    union
    select project_id from error_volume
    union
    select project_id from issue_release_volume
    union
    select project_id from release_projects

),

described as (

    select
        mentioned.project_id,
        projects.project_slug,
        projects.platform,
        projects.project_id is not null and projects.lost_at is null as is_listed,
        project_coverage.since_at as covered_since_at,
        -- A project that is listed but may not be read any more is lost, too.
        least(
            projects.lost_at,
            if(project_coverage.coverage_status = 'lost', project_coverage.since_at, null)
        ) as lost_at

    from mentioned
    left join projects
        on mentioned.project_id = projects.project_id
    left join project_coverage
        on mentioned.project_id = project_coverage.coverage_name

)

select * from described

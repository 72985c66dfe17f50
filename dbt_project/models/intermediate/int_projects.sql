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
        projects.project_id is not null as is_listed

    from mentioned
    left join projects
        on mentioned.project_id = projects.project_id

)

select * from described

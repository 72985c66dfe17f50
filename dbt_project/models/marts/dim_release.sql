with releases as (

    select * from {{ ref('stg_sentry__releases') }}

),

release_projects as (

    select
        release_id,
        count(*) as project_count
    from {{ ref('stg_sentry__release_projects') }}

    group by release_id

),

deploys as (

    select * from {{ ref('int_release_deploys') }}

),

clock as (

    select * from {{ ref('int_as_of') }}

),

described as (

    select
        releases.release_id,
        releases.release_version,
        releases.release_status,
        releases.package_name,
        case
            when releases.released_at is not null then 'released'
            when deploys.first_deployed_at is not null then 'deployed'
            when releases.created_at is not null then 'created'
        end as released_at_source,
        releases.version_major,
        releases.version_minor,
        releases.version_patch,
        coalesce(release_projects.project_count, 0) as project_count,
        releases.commit_count,
        releases.deploy_count,
        coalesce(deploys.known_deploy_count, 0) as known_deploy_count,
        coalesce(deploys.environment_count, 0) as environment_count,
        releases.new_issue_count as sentry_new_issue_count,
        releases.created_at,
        coalesce(releases.released_at, deploys.first_deployed_at, releases.created_at)
            as released_at,
        deploys.first_deployed_at,
        releases.first_event_at,
        releases.last_event_at,
        clock.as_of

    from releases
    left join release_projects
        on releases.release_id = release_projects.release_id
    left join deploys
        on releases.release_id = deploys.release_id
    cross join clock

)

select * from described

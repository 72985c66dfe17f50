with releases as (

    select * from {{ ref('stg_sentry__releases') }}

),

release_projects as (

    select * from {{ ref('stg_sentry__release_projects') }}

),

deploys as (

    select * from {{ ref('stg_sentry__deploys') }}

),

first_deploys as (

    select
        release_id,
        min(finished_at) as first_deployed_at

    from deploys

    group by release_id

),

dated as (

    select
        releases.release_id,
        release_projects.project_id,
        releases.release_version,
        releases.release_status,
        case
            when releases.released_at is not null then 'released'
            when first_deploys.first_deployed_at is not null then 'deployed'
            when releases.created_at is not null then 'created'
        end as released_at_source,
        release_projects.new_issue_count as sentry_new_issue_count,
        releases.commit_count,
        releases.deploy_count,
        coalesce(
            releases.released_at, first_deploys.first_deployed_at, releases.created_at
        ) as released_at

    from release_projects
    inner join releases
        on release_projects.release_id = releases.release_id
    left join first_deploys
        on releases.release_id = first_deploys.release_id

)

select * from dated

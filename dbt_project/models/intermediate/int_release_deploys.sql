with deploys as (

    select * from {{ ref('stg_sentry__deploys') }}

),

counted as (

    select
        release_id,
        count(*) as known_deploy_count,
        count(distinct environment_name) as environment_count,
        min(finished_at) as first_deployed_at

    from deploys

    group by release_id

)

select * from counted

with source as (

    select * from {{ source('sentry', 'deploys') }}

),

renamed as (

    select
        id as deploy_id,
        release_id,
        environment as environment_name,
        date_started at time zone 'UTC' as started_at,
        date_finished at time zone 'UTC' as finished_at

    from source

)

select * from renamed

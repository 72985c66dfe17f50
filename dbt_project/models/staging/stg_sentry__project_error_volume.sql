with source as (

    select * from {{ source('sentry', 'project_error_volume') }}

),

renamed as (

    select
        project_id,
        hour at time zone 'UTC' as started_at,
        outcome,
        quantity as error_count

    from source

)

select * from renamed

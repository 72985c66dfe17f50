with source as (

    select * from {{ source('sentry', 'organizations') }}

),

renamed as (

    select
        id as organization_id,
        slug as organization_slug,
        status as organization_status,
        date_created at time zone 'UTC' as created_at

    from source

)

select * from renamed

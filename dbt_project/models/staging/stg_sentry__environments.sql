with source as (

    select * from {{ source('sentry', 'environments') }}

),

renamed as (

    select
        id as environment_id,
        name as environment_name

    from source

)

select * from renamed

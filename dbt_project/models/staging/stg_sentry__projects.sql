with source as (

    select * from {{ source('sentry', 'projects') }}

),

renamed as (

    select
        id as project_id,
        slug as project_slug,
        platform,
        date_created at time zone 'UTC' as created_at,
        first_event at time zone 'UTC' as first_event_at,
        is_member,
        has_access,
        lost_at at time zone 'UTC' as lost_at

    from source

)

select * from renamed

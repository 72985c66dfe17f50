with source as (

    select * from {{ source('sentry', 'releases') }}

),

renamed as (

    select
        id as release_id,
        version as release_version,
        status as release_status,
        package as package_name,
        version_major,
        version_minor,
        version_patch,
        date_created at time zone 'UTC' as created_at,
        date_started at time zone 'UTC' as started_at,
        date_released at time zone 'UTC' as released_at,
        first_event at time zone 'UTC' as first_event_at,
        last_event at time zone 'UTC' as last_event_at,
        new_groups as new_issue_count,
        commit_count,
        deploy_count,
        last_deploy_id

    from source

)

select * from renamed

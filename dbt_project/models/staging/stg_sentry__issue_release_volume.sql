with source as (

    select * from {{ source('sentry', 'issue_release_volume') }}

),

renamed as (

    select
        date as event_date,
        project_id,
        issue_id,
        release as release_version,
        count as event_count

    from source

)

select * from renamed

with source as (

    select * from {{ source('sentry', 'issue_histories') }}

),

renamed as (

    select
        issue_id,
        read_at at time zone 'UTC' as read_at,
        activities as activity_count,
        is_cut_off,
        last_activity_at at time zone 'UTC' as last_activity_at

    from source

)

select * from renamed

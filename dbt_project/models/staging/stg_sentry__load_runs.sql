with source as (

    select * from {{ source('sentry', 'load_runs') }}

),

renamed as (

    select
        run_id as load_run_id,
        as_of at time zone 'UTC' as as_of,
        is_first as is_first_load,
        requests as request_count,
        waited_s as waited_seconds,
        issues_read as issue_read_count,
        issues_changed as issue_changed_count

    from source

)

select * from renamed

with source as (

    select * from {{ source('sentry', 'load_coverage') }}

),

renamed as (

    select
        subject as coverage_subject,
        name as coverage_name,
        status as coverage_status,
        reason as coverage_reason,
        covered_from at time zone 'UTC' as covered_from_at,
        expected as expected_count,
        actual as actual_count,
        since at time zone 'UTC' as since_at

    from source

)

select * from renamed

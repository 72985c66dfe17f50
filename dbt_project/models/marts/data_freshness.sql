with tables as (

    select * from {{ ref('int_table_counts') }}

),

coverage as (

    select * from {{ ref('stg_sentry__load_coverage') }}
    where coverage_subject = 'table'

),

loads as (

    select * from {{ ref('int_load_summary') }}
    where load_count > 0

),

described as (

    select
        tables.table_name,
        coalesce(coverage.coverage_status, 'complete') as coverage_status,
        coverage.coverage_reason,
        tables.row_count,
        coverage.expected_count,
        coverage.actual_count,
        loads.load_count,
        loads.is_latest_complete,
        coverage.covered_from_at,
        coverage.since_at,
        tables.latest_at,
        loads.complete_at,
        loads.backfilled_at,
        loads.as_of

    from tables
    cross join loads
    left join coverage
        on tables.table_name = coverage.coverage_name

)

select * from described

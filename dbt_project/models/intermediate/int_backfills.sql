with load_coverage as (

    select * from {{ ref('stg_sentry__load_coverage') }}

),

load_runs as (

    select * from {{ ref('stg_sentry__load_runs') }}

),

latest_complete as (

    select max(as_of) filter (where is_backfilled) as complete_at
    from load_runs

),

under_way as (

    select
        max(covered_from_at) filter (where coverage_name = 'issues') as issues_from_at,
        max(covered_from_at) filter (where coverage_name = 'issue_release_volume')
            as release_volumes_from_at

    from load_coverage

    where
        coverage_subject = 'table'
        and coverage_status = 'partial'
        and coverage_reason = 'backfilling'

),

combined as (

    select
        under_way.issues_from_at,
        under_way.release_volumes_from_at,
        latest_complete.complete_at

    from under_way
    cross join latest_complete

)

select * from combined

with load_runs as (

    select * from {{ ref('stg_sentry__load_runs') }}

),

summarized as (

    select
        count(*) as load_count,
        cast(coalesce(sum(warning_count), 0) as bigint) as warning_count,
        arg_max(is_complete, as_of) as is_latest_complete,
        max(as_of) filter (where is_complete) as complete_at,
        max(as_of) filter (where is_backfilled) as backfilled_at,
        max(as_of) as as_of

    from load_runs

)

select * from summarized

with load_runs as (

    select * from {{ ref('stg_sentry__load_runs') }}

),

issue_release_volume as (

    select * from {{ ref('stg_sentry__issue_release_volume') }}

),

latest_load as (

    select max(as_of) as as_of
    from load_runs

),

first_volume as (

    select min(event_date) as release_volumes_from_date
    from issue_release_volume

),

combined as (

    select
        cast(latest_load.as_of as date) as as_of_date,
        first_volume.release_volumes_from_date,
        latest_load.as_of

    from latest_load
    cross join first_volume

)

select * from combined

with structure as (

    select * from {{ ref('int_structure_counts') }}

),

tables as (

    select * from structure

    union all

    select
        'issues' as table_name,
        count(*) as row_count,
        max(observed_at) as latest_at
    from {{ ref('stg_sentry__issues') }}

    union all

    select
        'issue_activities' as table_name,
        count(*) as row_count,
        max(occurred_at) as latest_at
    from {{ ref('stg_sentry__issue_activities') }}

    union all

    select
        'issue_histories' as table_name,
        count(*) as row_count,
        max(read_at) as latest_at
    from {{ ref('stg_sentry__issue_histories') }}

    union all

    select
        'project_error_volume' as table_name,
        count(*) as row_count,
        max(started_at) as latest_at
    from {{ ref('stg_sentry__project_error_volume') }}

    union all

    select
        'issue_release_volume' as table_name,
        count(*) as row_count,
        cast(max(event_date) as timestamp) as latest_at
    from {{ ref('stg_sentry__issue_release_volume') }}

)

select * from tables

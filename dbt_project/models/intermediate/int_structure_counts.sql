with tables as (

    select
        'organizations' as table_name,
        count(*) as row_count,
        cast(null as timestamp) as latest_at
    from {{ ref('stg_sentry__organizations') }}

    union all

    select
        'projects' as table_name,
        count(*) as row_count,
        cast(null as timestamp) as latest_at
    from {{ ref('stg_sentry__projects') }}

    union all

    select
        'environments' as table_name,
        count(*) as row_count,
        cast(null as timestamp) as latest_at
    from {{ ref('stg_sentry__environments') }}

    union all

    select
        'releases' as table_name,
        count(*) as row_count,
        max(created_at) as latest_at
    from {{ ref('stg_sentry__releases') }}

    union all

    select
        'release_projects' as table_name,
        count(*) as row_count,
        cast(null as timestamp) as latest_at
    from {{ ref('stg_sentry__release_projects') }}

    union all

    select
        'deploys' as table_name,
        count(*) as row_count,
        max(finished_at) as latest_at
    from {{ ref('stg_sentry__deploys') }}

)

select * from tables

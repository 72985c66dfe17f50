with issue_release_volume as (

    select * from {{ ref('stg_sentry__issue_release_volume') }}

),

survivors as (

    select * from {{ ref('int_issue_survivors') }}

),

attributed as (

    select
        issue_release_volume.project_id,
        coalesce(survivors.surviving_issue_id, issue_release_volume.issue_id) as issue_id,
        issue_release_volume.release_version,
        issue_release_volume.event_date,
        cast(sum(issue_release_volume.event_count) as bigint) as event_count

    from issue_release_volume
    left join survivors
        on issue_release_volume.issue_id = survivors.issue_id

    group by all

)

select * from attributed

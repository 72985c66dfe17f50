with issue_release_volume as (

    select * from {{ ref('stg_sentry__issue_release_volume') }}

),

survivors as (

    select * from {{ ref('int_issue_survivors') }}
    where is_merged

),

merging as (

    select issue_id from survivors
    union
    select surviving_issue_id from survivors

),

-- Few issues take part in a merge; the rows of all others need not be added up.
apart as (

    select
        project_id,
        issue_id,
        release_version,
        event_date,
        event_count

    from issue_release_volume

    where issue_id not in (select merging.issue_id from merging)

),

merged as (

    select
        issue_release_volume.project_id,
        coalesce(survivors.surviving_issue_id, issue_release_volume.issue_id) as issue_id,
        issue_release_volume.release_version,
        issue_release_volume.event_date,
        cast(sum(issue_release_volume.event_count) as bigint) as event_count

    from issue_release_volume
    left join survivors
        on issue_release_volume.issue_id = survivors.issue_id

    where issue_release_volume.issue_id in (select merging.issue_id from merging)

    group by all

),

attributed as (

    select * from apart
    union all
    select * from merged

)

select * from attributed

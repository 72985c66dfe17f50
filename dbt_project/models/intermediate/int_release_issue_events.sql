with placed as (

    select * from {{ ref('int_release_issue_placements') }}

),

issue_release_days as (

    select * from {{ ref('int_issue_release_days') }}

),

early_events as (

    select
        placed.release_id,
        placed.project_id,
        placed.issue_id,
        placed.relation,
        placed.occurred_at,
        cast(sum(issue_release_days.event_count) as bigint) as event_count

    from placed
    inner join issue_release_days
        on
            placed.issue_id = issue_release_days.issue_id
            and placed.project_id = issue_release_days.project_id
            and placed.release_version = issue_release_days.release_version
            and issue_release_days.event_date between placed.from_date and placed.to_date

    group by all

),

counted as (

    select
        placed.* exclude (from_date, to_date, release_version),
        coalesce(early_events.event_count, 0) as early_event_count

    from placed
    left join early_events
        using (release_id, project_id, issue_id, relation, occurred_at)

)

select * from counted

with issue_release_days as (

    select * from {{ ref('int_issue_release_days') }}

),

new_issues as (

    select * from {{ ref('int_new_issues') }}

),

by_issue as (

    select
        project_id,
        event_date,
        sum(event_count) as event_count

    from issue_release_days

    where event_count > 0

    group by project_id, event_date, issue_id

),

active as (

    select
        project_id,
        event_date as issue_date,
        count(*) as active_issue_count,
        cast(sum(event_count) - max(event_count) as bigint) as background_event_count

    from by_issue

    group by project_id, event_date

),

first_seen as (

    select
        project_id,
        first_seen_date as issue_date,
        count(*) as new_issue_count,
        count(*) filter (where is_unhandled) as new_unhandled_issue_count,
        count(*) filter (where is_unhandled is not null) as new_known_handling_issue_count

    from new_issues

    group by project_id, first_seen_date

),

combined as (

    select
        coalesce(active.project_id, first_seen.project_id) as project_id,
        coalesce(active.issue_date, first_seen.issue_date) as issue_date,
        coalesce(active.active_issue_count, 0) as active_issue_count,
        coalesce(active.background_event_count, 0) as background_event_count,
        coalesce(first_seen.new_issue_count, 0) as new_issue_count,
        coalesce(first_seen.new_unhandled_issue_count, 0) as new_unhandled_issue_count,
        coalesce(first_seen.new_known_handling_issue_count, 0) as new_known_handling_issue_count

    from active
    full join first_seen
        on
            active.project_id = first_seen.project_id
            and active.issue_date = first_seen.issue_date

)

select * from combined

with new_issues as (

    select * from {{ ref('int_new_issues') }}

),

timeline as (

    select * from {{ ref('int_release_timeline') }}

),

first_days as (

    select * from {{ ref('int_issue_first_days') }}

),

-- Of several releases on the first day: the newest then released, else the next to come.
by_volume as (

    select
        first_days.issue_id,
        timeline.release_id,
        'volume' as attribution_method

    from first_days
    inner join timeline
        on
            first_days.project_id = timeline.project_id
            and first_days.release_version = timeline.release_version

    qualify
        row_number() over (
            partition by first_days.issue_id
            order by
                timeline.released_at > first_days.first_seen_at,
                abs(date_diff('microsecond', timeline.released_at, first_days.first_seen_at)),
                timeline.release_number desc
        ) = 1

),

by_window as (

    select
        new_issues.issue_id,
        timeline.release_id,
        'window' as attribution_method

    from new_issues
    inner join timeline
        on
            new_issues.project_id = timeline.project_id
            and new_issues.first_seen_at >= timeline.released_at
            and new_issues.first_seen_at < timeline.window_end_at

    where new_issues.issue_id not in (select first_days.issue_id from first_days)

),

first_releases as (

    select * from by_volume
    union all
    select * from by_window

)

select * from first_releases

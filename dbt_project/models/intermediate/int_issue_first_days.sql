with new_issues as (

    select * from {{ ref('int_new_issues') }}

),

issue_release_days as (

    select * from {{ ref('int_issue_release_days') }}

),

first_days as (

    select
        new_issues.issue_id,
        new_issues.project_id,
        new_issues.first_seen_at,
        issue_release_days.release_version

    from new_issues
    inner join issue_release_days
        on
            new_issues.issue_id = issue_release_days.issue_id
            and new_issues.project_id = issue_release_days.project_id
            and new_issues.first_seen_date = issue_release_days.event_date

)

select * from first_days

with issue_days as (

    select * from {{ ref('int_issue_days') }}

),

weekly as (

    select
        project_id,
        cast(date_trunc('week', issue_date) as date) as week_start_date,
        cast(sum(new_issue_count) as bigint) as new_issue_count,
        cast(sum(new_unhandled_issue_count) as bigint) as new_unhandled_issue_count,
        cast(sum(new_known_handling_issue_count) as bigint) as new_known_handling_issue_count

    from issue_days

    group by project_id, cast(date_trunc('week', issue_date) as date)

)

select * from weekly

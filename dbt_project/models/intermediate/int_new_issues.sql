with issues as (

    select * from {{ ref('stg_sentry__issues') }}

),

survivors as (

    select * from {{ ref('int_issue_survivors') }}

),

clock as (

    select * from {{ ref('int_as_of') }}

),

-- A merged issue's first events are its survivor's.
new_issues as (

    select
        issues.issue_id,
        issues.project_id,
        issues.level,
        issues.event_count,
        issues.is_unhandled,
        coalesce(issues.level in ('error', 'fatal'), false) as is_severe,
        cast(issues.first_seen_at as date) as first_seen_date,
        issues.first_seen_at

    from issues
    inner join survivors
        on issues.issue_id = survivors.issue_id

    inner join clock
        on issues.first_seen_at <= clock.as_of

    where not survivors.is_merged

)

select * from new_issues

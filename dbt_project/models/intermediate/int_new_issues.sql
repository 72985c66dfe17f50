with issues as (

    select * from {{ ref('stg_sentry__issues') }}

),

survivors as (

    select * from {{ ref('int_issue_survivors') }}

),

clocks as (

    select * from {{ ref('int_project_clocks') }}

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
    inner join clocks
        on
            issues.project_id = clocks.project_id
            and issues.first_seen_at <= clocks.as_of

    where not survivors.is_merged

)

select * from new_issues

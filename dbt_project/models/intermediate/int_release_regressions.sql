with activities as (

    select * from {{ ref('stg_sentry__issue_activities') }}

),

issues as (

    select * from {{ ref('stg_sentry__issues') }}

),

survivors as (

    select * from {{ ref('int_issue_survivors') }}

),

releases as (

    select * from {{ ref('stg_sentry__releases') }}

),

clock as (

    select * from {{ ref('int_as_of') }}

),

-- A regression carries the version of the event that caused it.
regressions as (

    select distinct
        releases.release_id,
        issues.project_id,
        survivors.surviving_issue_id as issue_id,
        activities.occurred_at

    from activities
    inner join issues
        on activities.issue_id = issues.issue_id
    inner join survivors
        on activities.issue_id = survivors.issue_id
    inner join releases
        on activities.release_version = releases.release_version
    inner join clock
        on activities.occurred_at <= clock.as_of

    where activities.activity_type = 'set_regression'

)

select * from regressions

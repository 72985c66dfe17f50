with activities as (

    select * from {{ ref('int_issue_activities') }}

),

survivors as (

    select * from {{ ref('int_issue_survivors') }}

),

releases as (

    select * from {{ ref('stg_sentry__releases') }}

),

-- A regression carries the version of the event that caused it.
regressions as (

    select distinct
        releases.release_id,
        activities.project_id,
        survivors.surviving_issue_id as issue_id,
        activities.occurred_at

    from activities
    inner join survivors
        on activities.issue_id = survivors.issue_id
    inner join releases
        on activities.release_version = releases.release_version

    where activities.activity_type = 'set_regression'

)

select * from regressions

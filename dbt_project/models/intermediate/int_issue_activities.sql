with activities as (

    select * from {{ ref('stg_sentry__issue_activities') }}

),

issues as (

    select * from {{ ref('stg_sentry__issues') }}

),

clocks as (

    select * from {{ ref('int_project_clocks') }}

),

-- DuckDB joins an inequality of three tables badly, so the clock comes to the issue first.
timed as (

    select
        issues.issue_id,
        issues.project_id,
        clocks.as_of

    from issues
    inner join clocks
        on issues.project_id = clocks.project_id

),

-- Nothing counts that happened after the load began: the next one reads it whole.
known as (

    select
        activities.activity_id,
        activities.issue_id,
        timed.project_id,
        activities.activity_type,
        activities.release_version,
        activities.assignee_type,
        activities.assignee_key,
        activities.assignment_integration,
        activities.occurred_at

    from activities
    inner join timed
        on
            activities.issue_id = timed.issue_id
            and activities.occurred_at <= timed.as_of

)

select * from known

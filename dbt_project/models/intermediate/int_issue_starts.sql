with issues as (

    select * from {{ ref('stg_sentry__issues') }}

),

activities as (

    select * from {{ ref('stg_sentry__issue_activities') }}

),

clocks as (

    select * from {{ ref('int_project_clocks') }}

),

-- Sentry's `first_seen` is synthetic: the issue's own first seen stands for it.
first_activities as (

    select
        issue_id,
        min(occurred_at) as first_activity_at

    from activities

    where activity_type != 'first_seen'

    group by issue_id

),

-- An issue cannot have had an activity before it was there; `least` passes over nulls.
starts as (

    select
        issues.issue_id,
        least(issues.first_seen_at, first_activities.first_activity_at) as started_at

    from issues
    inner join clocks
        on
            issues.project_id = clocks.project_id
            and issues.first_seen_at <= clocks.as_of
    left join first_activities
        on issues.issue_id = first_activities.issue_id

)

select * from starts

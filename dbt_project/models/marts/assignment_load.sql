with assignee_weeks as (

    select * from {{ ref('int_assignee_weeks') }}

),

weeks as (

    select * from {{ ref('int_project_weeks') }}

),

assignees as (

    select
        assignee_key,
        any_value(assignee_type) as assignee_type
    from {{ ref('int_assignment_spans') }}

    group by assignee_key

),

described as (

    select
        assignee_weeks.project_id || '-' || assignee_weeks.assignee_key
        || '-' || assignee_weeks.week_start_date as assignment_load_id,
        assignee_weeks.project_id,
        weeks.project_slug,
        assignee_weeks.assignee_key,
        assignees.assignee_type,
        assignee_weeks.assignment_count,
        assignee_weeks.handoff_in_count,
        assignee_weeks.handoff_out_count,
        assignee_weeks.ping_pong_count,
        assignee_weeks.resolved_count,
        assignee_weeks.open_count,
        assignee_weeks.held_hours,
        assignee_weeks.open_count / cast(nullif(sum(assignee_weeks.open_count) over (
            partition by assignee_weeks.project_id, assignee_weeks.week_start_date
        ), 0) as double) as open_share,
        weeks.is_complete_week,
        assignee_weeks.week_start_date,
        weeks.as_of

    from assignee_weeks
    inner join weeks
        on
            assignee_weeks.project_id = weeks.project_id
            and assignee_weeks.week_start_date = weeks.week_start_date
    inner join assignees
        on assignee_weeks.assignee_key = assignees.assignee_key

)

select * from described

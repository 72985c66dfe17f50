-- Weeks in which the assignees of `assignment_load` have other sums than `assignment_pattern`.
with weeks as (

    select * from {{ ref('assignment_pattern') }}

),

assignees as (

    select
        project_id,
        week_start_date,
        sum(assignment_count) as assignment_count,
        sum(handoff_in_count) as handoff_count,
        sum(handoff_out_count) as handoff_out_count,
        sum(ping_pong_count) as ping_pong_count,
        sum(resolved_count) as resolved_count,
        sum(open_count) as open_count,
        sum(held_hours) as held_hours

    from {{ ref('assignment_load') }}

    group by project_id, week_start_date

)

select
    weeks.project_week_id

from weeks
left join assignees
    on
        weeks.project_id = assignees.project_id
        and weeks.week_start_date = assignees.week_start_date

where
    weeks.assignment_count != coalesce(assignees.assignment_count, 0)
    or weeks.handoff_count != coalesce(assignees.handoff_count, 0)
    or weeks.handoff_count != coalesce(assignees.handoff_out_count, 0)
    or weeks.ping_pong_count != coalesce(assignees.ping_pong_count, 0)
    or weeks.resolved_count - weeks.resolved_unassigned_count
    != coalesce(assignees.resolved_count, 0)
    or weeks.assigned_open_count != coalesce(assignees.open_count, 0)
    or abs(weeks.open_hours - weeks.unassigned_hours - coalesce(assignees.held_hours, 0.0))
    > 1e-6 * (1.0 + weeks.open_hours)

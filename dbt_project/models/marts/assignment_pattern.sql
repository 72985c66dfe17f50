with weeks as (

    select * from {{ ref('int_project_weeks') }}

),

week_episodes as (

    select * from {{ ref('int_week_episodes') }}

),

week_assignments as (

    select * from {{ ref('int_week_assignments') }}

),

loads as (

    select * from {{ ref('int_week_loads') }}

),

concentrations as (

    select * from {{ ref('int_week_concentrations') }}

),

quantiles as (

    select * from {{ ref('int_survival_quantiles') }}
    where measure = 'first_assignment'

),

described as (

    select
        weeks.project_id || '-' || weeks.week_start_date as project_week_id,
        weeks.project_id,
        weeks.project_slug,
        coalesce(week_episodes.opened_count, 0) as opened_count,
        coalesce(week_episodes.opened_and_assigned_count, 0) as opened_and_assigned_count,
        coalesce(week_episodes.first_assigned_count, 0) as first_assigned_count,
        coalesce(week_assignments.assignment_count, 0) as assignment_count,
        coalesce(week_assignments.user_assignment_count, 0) as user_assignment_count,
        coalesce(week_assignments.team_assignment_count, 0) as team_assignment_count,
        coalesce(week_assignments.auto_assignment_count, 0) as auto_assignment_count,
        coalesce(week_assignments.handoff_count, 0) as handoff_count,
        coalesce(week_assignments.ping_pong_count, 0) as ping_pong_count,
        coalesce(week_episodes.resolved_count, 0) as resolved_count,
        coalesce(week_episodes.resolved_unassigned_count, 0) as resolved_unassigned_count,
        coalesce(loads.open_count, 0) as open_count,
        coalesce(concentrations.assigned_open_count, 0) as assigned_open_count,
        coalesce(concentrations.assignee_count, 0) as assignee_count,
        coalesce(loads.open_hours, 0.0) as open_hours,
        coalesce(loads.open_hours - loads.assigned_hours, 0.0) as unassigned_hours,
        greatest(0.0, loads.open_hours - loads.assigned_hours) / nullif(loads.open_hours, 0.0)
            as unassigned_share,
        concentrations.assignee_hhi,
        concentrations.top_assignee_share,
        week_episodes.naive_median_hours as naive_median_hours_to_assignment,
        quantiles.median_hours as km_median_hours_to_assignment,
        weeks.is_complete_week,
        weeks.week_start_date,
        weeks.as_of

    from weeks
    left join week_episodes using (project_id, week_start_date)
    left join week_assignments using (project_id, week_start_date)
    left join loads using (project_id, week_start_date)
    left join concentrations using (project_id, week_start_date)
    left join quantiles
        on weeks.project_id = quantiles.project_id and weeks.week_start_date = quantiles.cohort_date

)

select * from described

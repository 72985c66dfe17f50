with timed as (

    select * from {{ ref('int_episode_weeks') }}

),

opened as (

    select
        project_id,
        opened_week as week_start_date,
        count(*) as opened_count,
        count(*) filter (where is_regression) as regression_count,
        count(first_assigned_at) as opened_and_assigned_count,
        median(hours_to_first_assignment) as naive_median_hours

    from timed

    group by project_id, opened_week

),

assigned as (

    select
        project_id,
        assigned_week as week_start_date,
        count(*) as first_assigned_count

    from timed

    where first_assigned_at is not null

    group by project_id, assigned_week

),

resolved as (

    select
        project_id,
        closed_week as week_start_date,
        count(*) as resolved_count,
        count(*) filter (where not is_assigned_at_close) as resolved_unassigned_count

    from timed

    where is_resolved

    group by project_id, closed_week

),

combined as (

    select * from opened
    full join assigned using (project_id, week_start_date)
    full join resolved using (project_id, week_start_date)

)

select * from combined

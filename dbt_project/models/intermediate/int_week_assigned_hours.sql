with weeks as (

    select * from {{ ref('int_project_weeks') }}

),

episode_assignments as (

    select * from {{ ref('int_episode_assignments') }}

),

assigned_time as (

    select
        weeks.project_id,
        weeks.week_start_date,
        sum({{ hours_between(
            'greatest(episode_assignments.held_from_at, weeks.week_start_at)',
            'least(episode_assignments.counted_until_at, weeks.observed_until_at)',
        ) }}) as assigned_hours

    from weeks
    inner join episode_assignments
        on
            weeks.project_id = episode_assignments.project_id
            and weeks.observed_until_at > episode_assignments.held_from_at
            and weeks.week_start_at < episode_assignments.counted_until_at

    group by weeks.project_id, weeks.week_start_date

)

select * from assigned_time

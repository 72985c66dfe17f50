with weeks as (

    select * from {{ ref('int_project_weeks') }}

),

episode_assignments as (

    select * from {{ ref('int_episode_assignments') }}

),

-- What each assignee held within a week, and what of it was still held at its end, also if a load
-- at Monday 00:00 sees no time of the week.
holdings as (

    select
        weeks.project_id,
        weeks.week_start_date,
        episode_assignments.assignee_key,
        sum({{ hours_between(
            'greatest(episode_assignments.held_from_at, weeks.week_start_at)',
            'least(episode_assignments.counted_until_at, weeks.observed_until_at)',
        ) }}) as held_hours,
        count(*) filter (
            where
            episode_assignments.held_until_at is null
            or weeks.observed_until_at <= episode_assignments.held_until_at
        ) as held_count

    from weeks
    inner join episode_assignments
        on
            weeks.project_id = episode_assignments.project_id
            and weeks.observed_until_at > episode_assignments.held_from_at
            and weeks.week_start_at <= episode_assignments.counted_until_at

    group by weeks.project_id, weeks.week_start_date, episode_assignments.assignee_key

    having held_hours > 0 or held_count > 0

)

select * from holdings

with weeks as (

    select * from {{ ref('int_project_weeks') }}

),

episodes as (

    select * from {{ ref('int_episodes') }}

),

assigned_time as (

    select * from {{ ref('int_week_assigned_hours') }}

),

-- A load at Monday 00:00 sees a week without any time, but with open episodes.
open_time as (

    select
        weeks.project_id,
        weeks.week_start_date,
        sum({{ hours_between(
            'greatest(episodes.opened_at, weeks.week_start_at)',
            'least(episodes.ended_at, weeks.observed_until_at)',
        ) }}) as open_hours,
        count(*) filter (
            where episodes.closed_at is null or episodes.closed_at >= weeks.observed_until_at
        ) as open_count

    from weeks
    inner join episodes
        on
            weeks.project_id = episodes.project_id
            and weeks.observed_until_at > episodes.opened_at
            and weeks.week_start_at <= episodes.ended_at

    group by weeks.project_id, weeks.week_start_date

),

loads as (

    select
        open_time.project_id,
        open_time.week_start_date,
        open_time.open_count,
        open_time.open_hours,
        coalesce(assigned_time.assigned_hours, 0.0) as assigned_hours

    from open_time
    left join assigned_time
        on
            open_time.project_id = assigned_time.project_id
            and open_time.week_start_date = assigned_time.week_start_date

)

select * from loads

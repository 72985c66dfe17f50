with project_days as (

    select * from {{ ref('int_project_days') }}

),

clock as (

    select * from {{ ref('int_as_of') }}

),

weeks as (

    select distinct
        project_days.project_id,
        project_days.project_slug,
        project_days.week_start_date,
        cast(project_days.week_start_date as timestamp) as week_start_at,
        cast(project_days.week_start_date as timestamp) + interval '7 days' as week_end_at,
        least(
            cast(project_days.week_start_date as timestamp) + interval '7 days', clock.as_of
        ) as observed_until_at,
        cast(project_days.week_start_date as timestamp) + interval '7 days' <= clock.as_of
            as is_complete_week,
        clock.as_of

    from project_days
    cross join clock

)

select * from weeks

with starts as (

    select * from {{ ref('int_project_starts') }}

),

clock as (

    select * from {{ ref('int_as_of') }}

),

days as (

    select
        starts.project_id,
        starts.project_slug,
        starts.first_error_date,
        clock.as_of_date,
        cast(
            unnest(generate_series(starts.from_date, clock.as_of_date, interval '1 day')) as date
        ) as calendar_date

    from starts
    cross join clock

),

flagged as (

    select
        project_id,
        project_slug,
        calendar_date,
        cast(date_trunc('week', calendar_date) as date) as week_start_date,
        coalesce(calendar_date >= first_error_date, false) as is_error_day,
        calendar_date < as_of_date as is_complete_day

    from days

)

select * from flagged

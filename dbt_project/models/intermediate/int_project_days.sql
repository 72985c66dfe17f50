with starts as (

    select * from {{ ref('int_project_starts') }}

),

clocks as (

    select * from {{ ref('int_project_clocks') }}

),

days as (

    select
        starts.project_id,
        starts.project_slug,
        starts.first_error_date,
        clocks.as_of_date,
        cast(
            unnest(generate_series(starts.from_date, clocks.as_of_date, interval '1 day')) as date
        ) as calendar_date

    from starts
    inner join clocks
        on starts.project_id = clocks.project_id

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

with project_days as (

    select * from {{ ref('int_project_days') }}

),

bounds as (

    select
        min(calendar_date) as from_date,
        max(calendar_date) as to_date

    from project_days

),

days as (

    select
        cast(unnest(generate_series(from_date, to_date, interval '1 day')) as date)
            as calendar_date

    from bounds

),

described as (

    select
        calendar_date,
        cast(date_trunc('week', calendar_date) as date) as week_start_date,
        cast(date_trunc('month', calendar_date) as date) as month_start_date,
        dayname(calendar_date) as weekday_name,
        isodow(calendar_date) >= 6 as is_weekend

    from days

)

select * from described

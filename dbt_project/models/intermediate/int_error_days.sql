with project_days as (

    select * from {{ ref('int_project_days') }}
    where is_error_day

),

error_days as (

    select * from {{ ref('int_project_error_days') }}

),

filled as (

    select
        project_days.project_id,
        project_days.project_slug,
        project_days.calendar_date as error_date,
        project_days.week_start_date,
        cast(coalesce(error_days.accepted_count, 0) as bigint) as accepted_count,
        cast(coalesce(error_days.filtered_count, 0) as bigint) as filtered_count,
        cast(coalesce(error_days.rate_limited_count, 0) as bigint) as rate_limited_count,
        cast(coalesce(error_days.other_count, 0) as bigint) as other_count,
        row_number() over (
            partition by project_days.project_id
            order by project_days.calendar_date
        ) as day_number,
        project_days.is_complete_day

    from project_days
    left join error_days
        on
            project_days.project_id = error_days.project_id
            and project_days.calendar_date = error_days.error_date

)

select * from filled

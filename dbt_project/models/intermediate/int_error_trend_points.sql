with error_days as (

    select * from {{ ref('int_error_days') }}
    where is_complete_day

),

-- The 28 days that end with each day which has that many.
points as (

    select
        ends.project_id,
        ends.error_date,
        window_days.day_number,
        window_days.accepted_count

    from error_days as ends
    inner join error_days as window_days
        on
            ends.project_id = window_days.project_id
            and window_days.day_number between ends.day_number - 27 and ends.day_number

    where ends.day_number >= 28

)

select * from points

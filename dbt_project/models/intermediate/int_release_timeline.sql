with release_dates as (

    select * from {{ ref('int_release_dates') }}

),

ordered as (

    select
        *,
        lead(release_id) over by_project as next_release_id,
        row_number() over by_project as release_number,
        lag(released_at) over by_project as previous_released_at,
        lead(released_at) over by_project as next_released_at

    from release_dates

    where released_at is not null

    window by_project as (partition by project_id order by released_at, release_id)

),

-- `least` passes over the missing next release of a project's latest one.
windowed as (

    select
        *,
        released_at + interval '{{ var("failure_window_hours") }} hours' as failure_window_end_at,
        least(
            next_released_at, released_at + interval '{{ var("release_window_days") }} days'
        ) as window_end_at

    from ordered

)

select * from windowed

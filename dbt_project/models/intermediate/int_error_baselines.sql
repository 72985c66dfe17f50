with error_days as (

    select * from {{ ref('int_error_days') }}
    where is_complete_day

),

windowed as (

    select
        project_id,
        error_date,
        day_number,
        accepted_count,
        avg(accepted_count) over last_7_days as mean_7d,
        sum(accepted_count) over last_7_days as week_count,
        sum(accepted_count) over the_7_days_before as previous_week_count,
        median(accepted_count) over the_28_days_before as median_28d,
        mad(accepted_count) over the_28_days_before as mad_28d

    from error_days

    window
        last_7_days as (
            partition by project_id order by error_date rows between 6 preceding and current row
        ),
        the_7_days_before as (
            partition by project_id order by error_date rows between 13 preceding and 7 preceding
        ),
        the_28_days_before as (
            partition by project_id order by error_date rows between 28 preceding and 1 preceding
        )

),

-- A window that reaches back before the project's first day says nothing.
whole as (

    select
        project_id,
        error_date,
        accepted_count,
        if(day_number >= 7, mean_7d, null) as mean_7d,
        if(day_number > 28, cast(median_28d as double), null) as median_28d,
        if(day_number > 28, cast(mad_28d as double), null) as mad_28d,
        if(day_number >= 14, cast(week_count as bigint), null) as week_count,
        if(day_number >= 14, cast(previous_week_count as bigint), null) as previous_week_count

    from windowed

),

-- With a MAD of zero the Poisson spread of the median, at least 1, stands in for it.
thresholds as (

    select
        *,
        median_28d + 5.0 * case
            when mad_28d > 0 then mad_28d
            when mad_28d = 0 then sqrt(greatest(median_28d, 1.0))
        end as spike_threshold

    from whole

),

judged as (

    select
        *,
        accepted_count > spike_threshold as is_spike

    from thresholds

)

select * from judged

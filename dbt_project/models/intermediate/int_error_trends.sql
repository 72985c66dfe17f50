with points as (

    select * from {{ ref('int_error_trend_points') }}

),

ties as (

    select * from {{ ref('int_error_trend_ties') }}

),

pairs as (

    select
        later.project_id,
        later.error_date,
        median(
            (later.accepted_count - earlier.accepted_count)
            / cast(later.day_number - earlier.day_number as double)
        ) as theil_sen_slope,
        sum(sign(later.accepted_count - earlier.accepted_count)) as concordance

    from points as later
    inner join points as earlier
        on
            later.project_id = earlier.project_id
            and later.error_date = earlier.error_date
            and later.day_number > earlier.day_number

    group by later.project_id, later.error_date

),

-- 28 * 27 * 61 = 46116; with all days equal there is no variance and no trend.
statistics as (

    select
        pairs.project_id,
        pairs.error_date,
        pairs.theil_sen_slope,
        case
            when pairs.concordance = 0 then 0.0
            else (pairs.concordance - sign(pairs.concordance))
                / sqrt((46116.0 - ties.tie_term) / 18.0)
        end as mann_kendall_z

    from pairs
    inner join ties
        on
            pairs.project_id = ties.project_id
            and pairs.error_date = ties.error_date

)

select * from statistics

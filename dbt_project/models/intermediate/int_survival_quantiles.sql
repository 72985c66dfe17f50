with curves as (

    select * from {{ ref('int_survival_curves') }}

),

-- The tolerance undoes the rounding of products such as 3/4 * 2/3.
quantiles as (

    select
        measure,
        project_id,
        segment,
        cohort_date,
        min(hours) filter (where survival <= 0.75 + 1e-9) as p25_hours,
        min(hours) filter (where survival <= 0.5 + 1e-9) as median_hours,
        min(hours) filter (where survival <= 0.25 + 1e-9) as p75_hours,
        min(hours) filter (where survival <= 0.1 + 1e-9) as p90_hours,
        min(hours) filter (where survival_low <= 0.5 + 1e-9) as median_low_hours,
        min(hours) filter (where survival_high <= 0.5 + 1e-9) as median_high_hours

    from curves

    group by measure, project_id, segment, cohort_date

)

select * from quantiles

with subjects as (

    select * from {{ ref('int_resolution_subjects') }}

),

resolved as (

    select
        *,
        if(is_event, hours, null) as resolution_hours

    from subjects

),

cohorts as (

    select
        measure,
        project_id,
        segment,
        count(*) as episode_count,
        count(*) filter (where is_event) as resolved_count,
        count(*) filter (where not is_event) as censored_count,
        count(*) filter (where censor_kind = 'open') as open_count,
        count(*) filter (where censor_kind = 'by_age') as by_age_count,
        count(*) filter (where censor_kind = 'archived') as archived_count,
        count(*) filter (where censor_kind = 'merged') as merged_count,
        count(*) filter (where censor_kind = 'deleted') as deleted_count,
        count(*) filter (where censor_kind = 'out_of_reach') as out_of_reach_count,
        count(*) filter (where resolution_hours < 1) as resolved_in_1h_count,
        count(*) filter (where resolution_hours >= 1 and resolution_hours < 4)
            as resolved_in_4h_count,
        count(*) filter (where resolution_hours >= 4 and resolution_hours < 12)
            as resolved_in_12h_count,
        count(*) filter (where resolution_hours >= 12 and resolution_hours < 24)
            as resolved_in_1d_count,
        count(*) filter (where resolution_hours >= 24 and resolution_hours < 168)
            as resolved_in_7d_count,
        count(*) filter (where resolution_hours >= 168 and resolution_hours < 672)
            as resolved_in_28d_count,
        count(*) filter (where resolution_hours >= 672 and resolution_hours < 4032)
            as resolved_in_168d_count,
        count(*) filter (where resolution_hours >= 4032) as resolved_later_count,
        quantile_cont(resolution_hours, 0.5) as naive_median_hours,
        quantile_cont(resolution_hours, 0.75) as naive_p75_hours,
        quantile_cont(resolution_hours, 0.9) as naive_p90_hours,
        quantile_cont(resolution_hours, 0.95) as naive_p95_hours,
        cohort_date,
        max(as_of) as as_of

    from resolved

    group by measure, project_id, segment, cohort_date

)

select * from cohorts

with subjects as (

    select * from {{ ref('int_survival_subjects') }}

),

-- Who is censored at the time of an event is still at risk then.
at_risk as (

    select
        *,
        count(*) over (
            partition by measure, project_id, segment, cohort_date
            order by hours desc
        ) as at_risk_count

    from subjects

),

times as (

    select
        measure,
        project_id,
        segment,
        cohort_date,
        hours,
        count(*) as event_count,
        cast(any_value(at_risk_count) as double) as at_risk_count

    from at_risk

    where is_event

    group by measure, project_id, segment, cohort_date, hours

)

select * from times

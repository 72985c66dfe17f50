with subjects as (

    select * from {{ ref('int_survival_subjects') }}

),

times as (

    select
        measure,
        project_id,
        cohort_date,
        hours,
        count(*) filter (where is_event) as event_count,
        count(*) as leaving_count

    from subjects

    group by all

),

-- Who is censored at the time of an event is still at risk then.
at_risk as (

    select
        *,
        cast(sum(leaving_count) over (
            partition by measure, project_id, cohort_date
            order by hours desc
        ) as double) as at_risk_count

    from times

)

select * from at_risk

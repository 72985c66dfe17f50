with subjects as (

    select * from {{ ref('int_survival_subjects') }}

),

-- A number sorts in a quarter of the time that the four columns take.
curves as (

    select
        measure,
        project_id,
        segment,
        cohort_date,
        row_number() over () as curve_number

    from subjects

    group by measure, project_id, segment, cohort_date

),

numbered as (

    select
        curves.curve_number,
        subjects.hours,
        subjects.is_event

    from subjects
    inner join curves
        on
            subjects.measure = curves.measure
            and subjects.project_id is not distinct from curves.project_id
            and subjects.segment is not distinct from curves.segment
            and subjects.cohort_date = curves.cohort_date

),

-- Who is censored at the time of an event is still at risk then.
at_risk as (

    select
        *,
        count(*) over (partition by curve_number order by hours desc) as at_risk_count

    from numbered

),

times as (

    select
        curve_number,
        hours,
        count(*) as event_count,
        cast(any_value(at_risk_count) as double) as at_risk_count

    from at_risk

    where is_event

    group by curve_number, hours

),

named as (

    select * exclude (curve_number)

    from curves
    inner join times using (curve_number)

)

select * from named

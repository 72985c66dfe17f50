with at_risk as (

    select * from {{ ref('int_survival_times') }}

),

curves as (

    select
        measure,
        project_id,
        segment,
        cohort_date,
        hours,
        event_count,
        at_risk_count,
        product(1.0 - event_count / at_risk_count) over so_far as survival,
        sum(
            case
                when event_count < at_risk_count
                    then event_count / (at_risk_count * (at_risk_count - event_count))
            end
        ) over so_far as greenwood_sum

    from at_risk

    window
        so_far as (partition by measure, project_id, segment, cohort_date order by hours)

),

-- Interval on log(-log S); where the curve reaches zero it has none.
bounded as (

    select
        *,
        case
            when survival > 0
                then power(survival, exp(1.959963984540054 * sqrt(greenwood_sum) / -ln(survival)))
        end as survival_low,
        case
            when survival > 0
                then power(survival, exp(-1.959963984540054 * sqrt(greenwood_sum) / -ln(survival)))
        end as survival_high

    from curves

)

select * from bounded

with days as (

    select * from {{ ref('int_growth_days') }}

),

totals as (

    select
        project_id,
        checkpoint_number,
        cast(sum(event_count) as bigint) as sample_size

    from days

    group by project_id, checkpoint_number

),

-- Every recent day over every day before; one is added so that quiet days divide, too.
ratios as (

    select
        recent.project_id,
        recent.checkpoint_number,
        list_sort(list((recent.event_count + 1.0) / (earlier.event_count + 1.0))) as ratios,
        any_value(recent.window_days) as window_days

    from days as recent
    inner join days as earlier
        on
            recent.project_id = earlier.project_id
            and recent.checkpoint_number = earlier.checkpoint_number

    where recent.is_recent and not earlier.is_recent

    group by recent.project_id, recent.checkpoint_number

),

-- Hodges and Lehmann: the interval that the rank test does not reject.
ranked as (

    select
        ratios.*,
        totals.sample_size,
        cast(greatest(1.0, floor(
            window_days * window_days / 2.0 - 1.959963984540054 * sqrt(
                window_days * window_days * (2 * window_days + 1) / 12.0
            )
        )) as bigint) as low_rank

    from ratios
    inner join totals
        on
            ratios.project_id = totals.project_id
            and ratios.checkpoint_number = totals.checkpoint_number

),

measured as (

    select
        'error_growth' as rule_name,
        project_id,
        checkpoint_number,
        sample_size,
        list_median(ratios) as measured_value,
        ratios[low_rank] as interval_low,
        ratios[len(ratios) - low_rank + 1] as interval_high

    from ranked

)

select * from measured

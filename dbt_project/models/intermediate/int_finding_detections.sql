with windows as (

    select * from {{ ref('int_finding_windows') }}

),

measures as (

    select * from {{ ref('int_finding_measures') }}

),

rules as (

    select * from {{ ref('finding_rules') }}

),

-- Too few is no finding, and so is what chance explains.
detected as (

    select
        measures.*,
        windows.is_latest,
        windows.window_from_at,
        windows.checkpoint_at

    from measures
    inner join windows
        on
            measures.rule_name = windows.rule_name
            and measures.project_id = windows.project_id
            and measures.checkpoint_number = windows.checkpoint_number
    inner join rules
        on measures.rule_name = rules.rule_name

    where
        measures.sample_size >= rules.min_sample_size
        and measures.interval_low > rules.threshold
        and coalesce(measures.p_value <= rules.max_p_value, rules.max_p_value is null)

)

select * from detected

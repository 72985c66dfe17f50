with checkpoints as (

    select * from {{ ref('int_finding_checkpoints') }}

),

rules as (

    select * from {{ ref('finding_rules') }}

),

-- `greatest` passes over a missing begin of the volumes.
windows as (

    select
        rules.rule_name,
        checkpoints.project_id,
        checkpoints.checkpoint_number,
        checkpoints.is_latest,
        greatest(
            checkpoints.checkpoint_at - to_days(cast(rules.window_days as integer)),
            checkpoints.known_from_at
        ) as window_from_at,
        checkpoints.known_from_at,
        checkpoints.checkpoint_at

    from checkpoints
    cross join rules

)

select * from windows

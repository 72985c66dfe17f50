with detections as (

    select * from {{ ref('int_finding_detections') }}

),

-- Unbroken runs of checkpoints share the difference of their number and their place.
runs as (

    select
        *,
        checkpoint_number - row_number() over (
            partition by rule_name, project_id
            order by checkpoint_number
        ) as run_number

    from detections

),

latest as (

    select
        * exclude (run_number),
        min(checkpoint_at) over run as first_detected_at,
        max(checkpoint_at) over run as last_detected_at

    from runs

    window run as (partition by rule_name, project_id, run_number)

    qualify
        row_number() over (partition by rule_name, project_id order by checkpoint_number) = 1

)

select * from latest

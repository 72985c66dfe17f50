with windows as (

    select * from {{ ref('int_finding_windows') }}

),

trials as (

    select * from {{ ref('int_finding_trials') }}
    where group_key is null

),

counted as (

    select
        windows.rule_name,
        windows.project_id,
        windows.checkpoint_number,
        count(*) as sample_size,
        count(*) filter (where trials.is_success) as success_count

    from windows
    inner join trials
        on
            windows.rule_name = trials.rule_name
            and windows.project_id = trials.project_id
            and windows.window_from_at <= trials.entered_at
            and windows.checkpoint_at >= trials.decided_at

    group by windows.rule_name, windows.project_id, windows.checkpoint_number

)

select * from counted

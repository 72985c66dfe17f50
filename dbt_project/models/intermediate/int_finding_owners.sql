with windows as (

    select * from {{ ref('int_finding_windows') }}

),

trials as (

    select * from {{ ref('int_ownership_trials') }}

),

limits as (

    select rule_limit as least_people
    from {{ ref('finding_rules') }}

    where rule_name = 'one_person_carries_all'

),

owners as (

    select
        windows.rule_name,
        windows.project_id,
        windows.checkpoint_number,
        trials.assignee_key,
        count(*) as resolved_count

    from windows
    inner join trials
        on
            windows.rule_name = trials.rule_name
            and windows.project_id = trials.project_id
            and windows.window_from_at <= trials.entered_at
            and windows.checkpoint_at >= trials.decided_at

    group by all

),

-- Of several people with the most, the one whose key sorts last.
counted as (

    select
        owners.rule_name,
        owners.project_id,
        owners.checkpoint_number,
        cast(sum(owners.resolved_count) as bigint) as sample_size,
        max(owners.resolved_count) as success_count,
        count(*) as group_count,
        arg_max(owners.assignee_key, (owners.resolved_count, owners.assignee_key)) as group_key

    from owners
    cross join limits

    group by owners.rule_name, owners.project_id, owners.checkpoint_number, limits.least_people

    having count(*) >= limits.least_people

)

select * from counted

with windows as (

    select * from {{ ref('int_finding_windows') }}

),

trials as (

    select * from {{ ref('int_weekday_trials') }}

),

observed as (

    select
        windows.rule_name,
        windows.project_id,
        windows.checkpoint_number,
        trials.weekday_number,
        trials.weekday_name,
        trials.early_new_severe_issue_count as issue_count

    from windows
    inner join trials
        on
            windows.rule_name = trials.rule_name
            and windows.project_id = trials.project_id
            and windows.window_from_at <= trials.entered_at
            and windows.checkpoint_at >= trials.decided_at

),

-- Equal counts share the mean of their ranks.
ranked as (

    select
        *,
        count(*) over whole as release_count,
        count(*) over equals as tied_count,
        rank() over by_count + (count(*) over equals - 1) / 2.0 as mid_rank

    from observed

    window
        whole as (partition by project_id, checkpoint_number),
        equals as (partition by project_id, checkpoint_number, issue_count),
        by_count as (partition by project_id, checkpoint_number order by issue_count)

),

-- Each of t equal counts carries (t * t - 1), so that a group of them carries t ^ 3 - t.
ranks as (

    select
        *,
        sum(tied_count * tied_count - 1) over (partition by project_id, checkpoint_number)
            as tie_term

    from ranked

)

select * from ranks

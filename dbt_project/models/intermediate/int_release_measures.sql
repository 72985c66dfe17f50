with states as (

    select * from {{ ref('int_release_states') }}

),

issue_counts as (

    select * from {{ ref('int_release_issue_counts') }}

),

event_counts as (

    select * from {{ ref('int_release_event_counts') }}

),

baselines as (

    select * from {{ ref('int_release_baselines') }}

),

thresholds as (

    select * from {{ ref('int_stability_thresholds') }}

),

measures as (

    select
        issue_counts.*,
        event_counts.event_count,
        coalesce(baselines.baseline_release_count, 0) as baseline_release_count,
        baselines.baseline_new_issue_count,
        issue_counts.new_issue_count / nullif(baselines.baseline_new_issue_count, 0.0)
            as new_issue_ratio,
        states.release_state = 'mature' as is_mature,
        if(
            states.release_state = 'mature',
            issue_counts.failing_issue_count >= thresholds.failure_min_issue_count,
            null
        ) as has_failed,
        states.was_hotfixed

    from states
    inner join issue_counts
        using (release_id, project_id)
    left join event_counts
        using (release_id, project_id)
    left join baselines
        using (release_id, project_id)
    cross join thresholds

)

select * from measures

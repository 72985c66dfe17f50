with states as (

    select * from {{ ref('int_release_states') }}

),

release_issue_events as (

    select * from {{ ref('int_release_issue_events') }}

),

thresholds as (

    select * from {{ ref('int_stability_thresholds') }}

),

judged as (

    select
        release_issue_events.*,
        release_issue_events.relation = 'new' as is_new,
        release_issue_events.relation = 'regressed' as is_regression,
        release_issue_events.is_early
        and release_issue_events.is_severe
        and release_issue_events.early_event_count >= thresholds.failure_min_event_count
            as is_failing

    from release_issue_events
    cross join thresholds

),

counted as (

    select
        states.release_id,
        states.project_id,
        count(*) filter (where judged.is_new and judged.is_in_window) as new_issue_count,
        count(*) filter (where judged.is_new and judged.is_early and judged.is_severe)
            as early_new_severe_issue_count,
        count(*) filter (where judged.is_regression and judged.is_in_window) as regression_count,
        count(*) filter (where judged.is_regression and judged.is_early)
            as early_regression_count,
        -- Before the volumes begin nobody knows how many events an issue had.
        case
            when any_value(states.attribution_method) = 'volume'
                then count(distinct judged.issue_id) filter (where judged.is_failing)
        end as failing_issue_count

    from states
    left join judged
        on
            states.release_id = judged.release_id
            and states.project_id = judged.project_id

    group by states.release_id, states.project_id

)

select * from counted

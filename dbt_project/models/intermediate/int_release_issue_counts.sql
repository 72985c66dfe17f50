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
        states.attribution_method,
        states.issues_from_at is null as are_all_known,
        coalesce(states.released_at >= states.issues_from_at, true) as are_new_ones_known,
        count(*) filter (where judged.is_new and judged.is_in_window) as new_issue_count,
        count(*) filter (where judged.is_new and judged.is_early and judged.is_severe)
            as early_new_severe_issue_count,
        count(*) filter (where judged.is_regression and judged.is_in_window) as regression_count,
        count(*) filter (where judged.is_regression and judged.is_early)
            as early_regression_count,
        count(distinct judged.issue_id) filter (where judged.is_failing) as failing_issue_count

    from states
    left join judged
        on
            states.release_id = judged.release_id
            and states.project_id = judged.project_id

    group by all

),

-- An issue that is not read yet may be new in the release if it began after it, and may have
-- regressed in it whenever it began. Before the volumes begin nobody knows how many events it had.
known as (

    select
        release_id,
        project_id,
        if(are_new_ones_known, new_issue_count, null) as new_issue_count,
        if(are_new_ones_known, early_new_severe_issue_count, null)
            as early_new_severe_issue_count,
        if(are_all_known, regression_count, null) as regression_count,
        if(are_all_known, early_regression_count, null) as early_regression_count,
        if(are_all_known and attribution_method = 'volume', failing_issue_count, null)
            as failing_issue_count

    from counted

)

select * from known

with states as (

    select * from {{ ref('int_release_states') }}
    where released_at is not null

),

release_issue_events as (

    select * from {{ ref('int_release_issue_events') }}
    where relation = 'new' and is_in_window

),

thresholds as (

    select * from {{ ref('int_stability_thresholds') }}

),

previous_releases as (

    select
        states.release_id,
        states.project_id,
        states.observed_hours,
        earlier.release_id as earlier_release_id,
        coalesce(earlier.released_at >= earlier.issues_from_at, true) as is_known

    from states
    inner join states as earlier
        on
            states.project_id = earlier.project_id
            and states.release_number - earlier.release_number between 1 and 5

    where states.release_state != 'upcoming'

),

counts_at_same_age as (

    select
        previous_releases.release_id,
        previous_releases.project_id,
        previous_releases.earlier_release_id,
        previous_releases.is_known,
        count(release_issue_events.issue_id) as new_issue_count

    from previous_releases
    left join release_issue_events
        on
            previous_releases.earlier_release_id = release_issue_events.release_id
            and previous_releases.project_id = release_issue_events.project_id
            and previous_releases.observed_hours > release_issue_events.hours_after_release

    group by all

),

baselines as (

    select
        counts_at_same_age.release_id,
        counts_at_same_age.project_id,
        count(*) as baseline_release_count,
        case
            when
                count(*) >= any_value(thresholds.comparison_min_releases)
                and bool_and(counts_at_same_age.is_known)
                then median(counts_at_same_age.new_issue_count)
        end as baseline_new_issue_count

    from counts_at_same_age
    cross join thresholds

    group by counts_at_same_age.release_id, counts_at_same_age.project_id

)

select * from baselines

with states as (

    select * from {{ ref('int_release_states') }}
    where released_at is not null

),

issue_release_days as (

    select * from {{ ref('int_issue_release_days') }}

),

release_days as (

    select
        project_id,
        release_version,
        event_date,
        sum(event_count) as event_count

    from issue_release_days

    group by project_id, release_version, event_date

),

counted as (

    select
        states.release_id,
        states.project_id,
        cast(coalesce(sum(release_days.event_count), 0) as bigint) as event_count

    from states
    left join release_days
        on
            states.project_id = release_days.project_id
            and states.release_version = release_days.release_version
            and cast(states.released_at as date) <= release_days.event_date
            and states.window_end_at > release_days.event_date

    where cast(states.released_at as date) >= states.release_volumes_from_date

    group by states.release_id, states.project_id

)

select * from counted

with release_dates as (

    select * from {{ ref('int_release_dates') }}

),

timeline as (

    select * from {{ ref('int_release_timeline') }}

),

clocks as (

    select * from {{ ref('int_project_clocks') }}

),

timed as (

    select
        release_dates.*,
        timeline.* exclude (
            release_id, project_id, release_version, release_status, released_at_source,
            sentry_new_issue_count, commit_count, deploy_count, released_at
        ),
        {{ hours_between(
            'timeline.released_at',
            'greatest(least(timeline.window_end_at, clocks.as_of), timeline.released_at)',
        ) }} as observed_hours,
        {{ hours_between('timeline.previous_released_at', 'timeline.released_at') }}
            as hours_since_previous_release,
        {{ hours_between('timeline.released_at', 'timeline.next_released_at') }}
            as hours_to_next_release,
        {{ hours_between('timeline.released_at', 'clocks.as_of') }} as age_hours,
        clocks.release_volumes_from_date,
        clocks.issues_from_at,
        clocks.as_of

    from release_dates
    left join timeline
        on
            release_dates.release_id = timeline.release_id
            and release_dates.project_id = timeline.project_id
    inner join clocks
        on release_dates.project_id = clocks.project_id

),

judged as (

    select
        *,
        case
            when released_at is null then 'undated'
            when age_hours < 0 then 'upcoming'
            when age_hours < {{ var('failure_window_hours') }} then 'immature'
            else 'mature'
        end as release_state,
        case
            when released_at is null then null
            when cast(released_at as date) >= release_volumes_from_date then 'volume'
            when window_end_at > release_volumes_from_date then 'mixed'
            else 'window'
        end as attribution_method,
        case
            when hours_to_next_release is not null
                then hours_to_next_release < {{ var('hotfix_hours') }}
            when age_hours >= {{ var('hotfix_hours') }} then false
        end as was_hotfixed,
        case
            when released_at is not null
                then coalesce(hours_since_previous_release < {{ var('hotfix_hours') }}, false)
        end as is_hotfix

    from timed

)

select * from judged

with release_issues as (

    select * from {{ ref('int_release_issues') }}

),

states as (

    select * from {{ ref('int_release_states') }}
    where released_at is not null

),

issues as (

    select * from {{ ref('stg_sentry__issues') }}

),

placed as (

    select
        release_issues.*,
        states.release_version,
        cast(states.released_at as date) as from_date,
        cast(states.failure_window_end_at - interval '1 microsecond' as date) as to_date,
        coalesce(issues.level in ('error', 'fatal'), false) as is_severe,
        {{ hours_between('states.released_at', 'release_issues.occurred_at') }}
            as hours_after_release,
        release_issues.occurred_at >= states.released_at
        and release_issues.occurred_at < states.window_end_at as is_in_window,
        release_issues.occurred_at >= states.released_at
        and release_issues.occurred_at < states.failure_window_end_at as is_early

    from release_issues
    inner join states
        on
            release_issues.release_id = states.release_id
            and release_issues.project_id = states.project_id
    left join issues
        on release_issues.issue_id = issues.issue_id

)

select * from placed

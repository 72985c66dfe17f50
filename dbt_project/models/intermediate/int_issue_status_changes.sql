with starts as (

    select * from {{ ref('int_issue_starts') }}

),

status_activities as (

    select * from {{ ref('int_issue_status_activities') }}

),

candidates as (

    select
        issue_id,
        null as activity_id,
        null as release_version,
        'first_seen' as change_kind,
        true as is_opening,
        0 as tie_rank,
        started_at as occurred_at

    from starts

    union all

    select
        issue_id,
        activity_id,
        release_version,
        change_kind,
        is_opening,
        if(is_opening, 2, 1) as tie_rank,
        occurred_at

    from status_activities

),

compared as (

    select
        *,
        lag(is_opening, 1, false) over (
            partition by issue_id
            order by occurred_at, tie_rank, activity_id
        ) as was_open

    from candidates

),

-- What closes a closed issue, or opens an open one, changes nothing.
changes as (

    select
        issue_id,
        release_version,
        change_kind,
        row_number() over (
            partition by issue_id
            order by occurred_at, tie_rank, activity_id
        ) as change_number,
        is_opening,
        false as is_inferred,
        occurred_at

    from compared

    where is_opening != was_open

)

select * from changes

with issues as (

    select * from {{ ref('stg_sentry__issues') }}

),

changes as (

    select * from {{ ref('int_issue_status_changes') }}

),

clock as (

    select * from {{ ref('int_as_of') }}

),

latest_changes as (

    select * from changes
    qualify row_number() over (partition by issue_id order by change_number desc) = 1

),

-- Null where the status says nothing about being open, such as `reprocessing`.
current_states as (

    select
        issue_id,
        case
            when tombstone is not null then tombstone
            when issue_status = 'unresolved' then 'open'
            when issue_status = 'ignored' then 'archived'
            when issue_status in ('pending_deletion', 'deletion_in_progress') then 'deleted'
            when issue_status = 'pending_merge' then 'merged'
            when issue_status = 'resolved' and is_auto_resolved then 'by_age'
            when issue_status = 'resolved' and resolved_in_version is not null then 'in_release'
            when issue_status = 'resolved' and is_resolved_in_next_release then 'in_release'
            when issue_status = 'resolved' then 'manual'
        end as current_state,
        observed_at

    from issues

),

corrections as (

    select
        latest_changes.issue_id,
        case
            when current_states.current_state != 'open' then current_states.current_state
            when latest_changes.change_kind = 'archived' then 'archive_expired'
            else 'observed'
        end as change_kind,
        latest_changes.change_number + 1 as change_number,
        not latest_changes.is_opening as is_opening,
        true as is_inferred,
        least(
            greatest(current_states.observed_at, latest_changes.occurred_at), clock.as_of
        ) as occurred_at

    from latest_changes
    inner join current_states
        on latest_changes.issue_id = current_states.issue_id
    cross join clock

    where latest_changes.is_opening != (current_states.current_state = 'open')

)

select * from corrections

with issues as (

    select * from {{ ref('stg_sentry__issues') }}

),

changes as (

    select * from {{ ref('int_issue_status_changes') }}

),

clocks as (

    select * from {{ ref('int_project_clocks') }}

),

latest_changes as (

    select * from changes
    qualify row_number() over (partition by issue_id order by change_number desc) = 1

),

-- Null where the status says nothing about being open, such as `reprocessing`. The issues of a
-- lost project are out of reach, whether the load got to writing their tombstones or not.
current_states as (

    select
        issues.issue_id,
        case
            when issues.tombstone is not null then issues.tombstone
            when clocks.is_lost then 'out_of_reach'
            when issues.issue_status = 'unresolved' then 'open'
            when issues.issue_status = 'ignored' then 'archived'
            when issues.issue_status in ('pending_deletion', 'deletion_in_progress') then 'deleted'
            when issues.issue_status = 'pending_merge' then 'merged'
            when issues.issue_status != 'resolved' then null
            when issues.is_auto_resolved then 'by_age'
            when issues.resolved_in_version is not null then 'in_release'
            when issues.is_resolved_in_next_release then 'in_release'
            else 'manual'
        end as current_state,
        if(
            clocks.is_lost and issues.tombstone is null, clocks.as_of, issues.observed_at
        ) as observed_at,
        clocks.as_of

    from issues
    inner join clocks
        on issues.project_id = clocks.project_id

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
            greatest(current_states.observed_at, latest_changes.occurred_at), current_states.as_of
        ) as occurred_at

    from latest_changes
    inner join current_states
        on latest_changes.issue_id = current_states.issue_id

    where latest_changes.is_opening != (current_states.current_state = 'open')

)

select * from corrections

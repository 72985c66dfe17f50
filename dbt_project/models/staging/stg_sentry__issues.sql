with source as (

    select * from {{ source('sentry', 'issues') }}

),

renamed as (

    select
        id as issue_id,
        short_id as issue_short_id,
        project_id,
        status as issue_status,
        substatus as issue_substatus,
        in_release as resolved_in_version,
        in_next_release as is_resolved_in_next_release,
        auto_resolved as is_auto_resolved,
        ignore_until at time zone 'UTC' as archived_until_at,
        ignore_count as archived_until_event_count,
        ignore_window as archived_window_minutes,
        level,
        priority,
        priority_locked_at at time zone 'UTC' as priority_locked_at,
        platform,
        issue_type,
        issue_category,
        is_unhandled,
        num_comments as comment_count,
        assignee_type,
        assignee_key,
        last_progressed_at at time zone 'UTC' as last_progressed_at,
        count as event_count,
        first_seen at time zone 'UTC' as first_seen_at,
        last_seen at time zone 'UTC' as last_seen_at,
        observed_at at time zone 'UTC' as observed_at,
        tombstone,
        merged_into as merged_into_issue_id

    from source

)

select * from renamed

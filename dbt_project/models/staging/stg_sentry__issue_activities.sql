with source as (

    select * from {{ source('sentry', 'issue_activities') }}

),

renamed as (

    select
        id as activity_id,
        issue_id,
        type as activity_type,
        date_created at time zone 'UTC' as occurred_at,
        actor_key,
        nullif(version, '') as release_version,
        in_next_release as is_in_next_release,
        age as age_hours,
        ignore_until at time zone 'UTC' as archived_until_at,
        ignore_duration as archived_for_minutes,
        ignore_count as archived_until_event_count,
        ignore_until_escalating as is_archived_until_escalating,
        assignee_type,
        assignee_key,
        integration as assignment_integration,
        priority,
        reason as priority_reason,
        after_days as ongoing_after_days

    from source

)

select * from renamed

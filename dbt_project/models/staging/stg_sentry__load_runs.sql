with source as (

    select * from {{ source('sentry', 'load_runs') }}

),

renamed as (

    select
        run_id as load_run_id,
        as_of at time zone 'UTC' as as_of,
        is_first as is_first_load,
        is_complete,
        is_backfilled,
        slices as slice_count,
        requests as request_count,
        retries as retry_count,
        waited_s as waited_seconds,
        rows_written as row_written_count,
        issues_read as issue_read_count,
        issues_changed as issue_changed_count,
        issues_new as issue_new_count,
        issues_lost as issue_lost_count,
        issues_status as issue_status_count,
        issues_assignee as issue_assignee_count,
        issues_priority as issue_priority_count,
        issues_progress as issue_progress_count,
        issues_counters as issue_counters_count,
        histories_read as history_read_count,
        histories_audited as history_audited_count,
        audit_findings as audit_finding_count,
        warnings as warning_count

    from source

)

select * from renamed

with activities as (

    select * from {{ ref('int_issue_activities') }}

),

classified as (

    select
        activity_id,
        issue_id,
        release_version,
        case activity_type
            when 'set_regression' then 'regression'
            when 'set_unresolved' then 'reopened'
            when 'set_escalating' then 'escalated'
            when 'set_resolved' then 'manual'
            when 'set_resolved_in_release' then 'in_release'
            when 'set_resolved_in_commit' then 'in_commit'
            when 'set_resolved_in_pull_request' then 'in_pull_request'
            when 'set_resolved_by_age' then 'by_age'
            when 'set_ignored' then 'archived'
        end as change_kind,
        activity_type in ('set_regression', 'set_unresolved', 'set_escalating') as is_opening,
        occurred_at

    from activities

),

status_activities as (

    select * from classified
    where change_kind is not null

)

select * from status_activities

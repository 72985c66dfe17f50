with holders as (

    select * from {{ ref('int_assignment_holders') }}

),

issues as (

    select * from {{ ref('stg_sentry__issues') }}

),

numbered as (

    select
        *,
        row_number() over (partition by issue_id order by change_number) as span_number,
        lag(assignee_key) over (partition by issue_id order by change_number)
            as previous_assignee_key,
        min(change_number) over (partition by issue_id, assignee_key) as first_change_number

    from holders

    where assignee_key is not null

),

spans as (

    select
        numbered.issue_id || '-' || numbered.span_number as assignment_id,
        numbered.issue_id,
        issues.project_id,
        numbered.assignee_key,
        coalesce(numbered.assignee_type, 'user') as assignee_type,
        coalesce(numbered.assignment_source, 'user') as assignment_source,
        numbered.previous_assignee_key,
        numbered.span_number,
        numbered.is_inferred,
        coalesce(numbered.assignee_key != numbered.previous_assignee_key, false) as is_handoff,
        coalesce(numbered.assignee_key != numbered.previous_assignee_key, false)
        and numbered.first_change_number < numbered.change_number as is_return,
        numbered.assigned_at,
        numbered.assigned_until_at

    from numbered
    inner join issues
        on numbered.issue_id = issues.issue_id

)

select * from spans

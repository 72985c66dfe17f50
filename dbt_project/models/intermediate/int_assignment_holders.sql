with assignment_changes as (

    select * from {{ ref('int_assignment_changes') }}

),

compared as (

    select
        *,
        lag(assignee_key) over by_issue as previous_key,
        row_number() over by_issue as change_number

    from assignment_changes

    window
        by_issue as (
            partition by issue_id
            order by occurred_at, is_inferred, assignee_key is not null, activity_id
        )

),

-- Naming the assignee again changes nothing, nor does unassigning a free issue.
holders as (

    select
        issue_id,
        assignee_key,
        assignee_type,
        assignment_source,
        change_number,
        is_inferred,
        occurred_at as assigned_at,
        lead(occurred_at) over (partition by issue_id order by change_number)
            as assigned_until_at

    from compared

    where assignee_key is distinct from previous_key

)

select * from holders

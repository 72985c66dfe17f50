with assignments as (

    select * from {{ ref('int_assignment_activities') }}

),

issues as (

    select * from {{ ref('stg_sentry__issues') }}

),

clocks as (

    select * from {{ ref('int_project_clocks') }}

),

latest_assignments as (

    select * from assignments
    qualify
        row_number() over (
            partition by issue_id
            order by occurred_at desc, assignee_key is null, activity_id desc
        ) = 1

),

-- The reading knows of a change that the activities do not tell.
corrections as (

    select
        null as activity_id,
        issues.issue_id,
        issues.assignee_key,
        issues.assignee_type,
        issues.assignee_type as assignment_source,
        least(greatest(issues.observed_at, latest_assignments.occurred_at), clocks.as_of)
            as occurred_at

    from issues
    inner join clocks
        on issues.project_id = clocks.project_id
    left join latest_assignments
        on issues.issue_id = latest_assignments.issue_id

    where
        issues.tombstone is null
        and issues.assignee_key is distinct from latest_assignments.assignee_key

),

assignment_changes as (

    select
        *,
        false as is_inferred
    from assignments

    union all

    select
        *,
        true as is_inferred
    from corrections

)

select * from assignment_changes

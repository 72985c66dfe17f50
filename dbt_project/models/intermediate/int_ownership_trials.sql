with resolutions as (

    select * from {{ ref('int_resolution_assignees') }}
    where assignee_type = 'user'

),

trials as (

    select
        'one_person_carries_all' as rule_name,
        project_id,
        issue_id,
        assignee_key,
        opened_at as entered_at,
        closed_at as decided_at

    from resolutions

)

select * from trials

with activities as (

    select * from {{ ref('int_issue_activities') }}

),

-- From a chat a person assigns; every other integration is a rule of Sentry's.
assignments as (

    select
        activity_id,
        issue_id,
        assignee_key,
        assignee_type,
        case
            when assignment_integration is null then assignee_type
            when assignment_integration in ('slack', 'msteams', 'discord')
                then assignee_type
            else 'auto'
        end as assignment_source,
        occurred_at

    from activities

    where
        (activity_type = 'assigned' and assignee_key is not null)
        or activity_type = 'unassigned'

)

select * from assignments

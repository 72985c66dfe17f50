with combined as (

    select
        * exclude (issue_id),
        issue_id as evidence_key,
        null as group_key
    from {{ ref('int_closing_trials') }}

    union all by name

    select
        * exclude (issue_id),
        issue_id as evidence_key
    from {{ ref('int_follow_up_trials') }}

    union all by name

    select
        * exclude (issue_id),
        issue_id as evidence_key
    from {{ ref('int_backlog_trials') }}

    union all by name

    select
        * exclude (release_id),
        cast(release_id as varchar) as evidence_key
    from {{ ref('int_release_trials') }}

    union all by name

    select
        * exclude (error_date),
        cast(error_date as varchar) as evidence_key
    from {{ ref('int_noise_trials') }}

    union all by name

    select
        * exclude (issue_id, assignee_key),
        issue_id as evidence_key,
        assignee_key as group_key
    from {{ ref('int_ownership_trials') }}

    union all by name

    select
        * exclude (
            release_id, weekday_number, weekday_name, early_new_severe_issue_count
        ),
        cast(release_id as varchar) as evidence_key,
        weekday_name as group_key
    from {{ ref('int_weekday_trials') }}

),

trials as (

    select
        rule_name,
        project_id,
        evidence_key,
        cast(group_key as varchar) as group_key,
        is_success,
        entered_at,
        decided_at

    from combined

)

select * from trials

with error_days as (

    select * from {{ ref('int_error_days') }}
    where is_complete_day

),

limits as (

    select rule_limit as least_projects
    from {{ ref('finding_rules') }}

    where rule_name = 'noisy_project'

),

shared as (

    select
        project_id,
        error_date,
        accepted_count,
        sum(accepted_count) over (partition by error_date) as organization_count,
        count(*) filter (where accepted_count > 0) over (partition by error_date)
            as project_count

    from error_days

),

trials as (

    select
        'noisy_project' as rule_name,
        shared.project_id,
        shared.error_date,
        2 * shared.accepted_count > shared.organization_count as is_success,
        cast(shared.error_date as timestamp) as entered_at,
        cast(shared.error_date as timestamp) + interval '1 day' as decided_at

    from shared
    inner join limits
        on shared.project_count >= limits.least_projects

)

select * from trials

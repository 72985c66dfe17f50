with windows as (

    select * from {{ ref('int_finding_windows') }}
    where rule_name = 'error_growth'

),

rules as (

    select * from {{ ref('finding_rules') }}
    where rule_name = 'error_growth'

),

error_days as (

    select * from {{ ref('int_error_days') }}

),

issue_days as (

    select * from {{ ref('int_issue_days') }}

),

bounded as (

    select
        windows.project_id,
        windows.checkpoint_number,
        rules.window_days,
        cast(windows.checkpoint_at as date) as checkpoint_date,
        cast(windows.checkpoint_at as date) - cast(rules.window_days as integer)
            as recent_from_date,
        cast(windows.checkpoint_at as date) - cast(2 * rules.window_days as integer)
            as from_date

    from windows
    cross join rules

    where
        cast(windows.checkpoint_at as date) - cast(2 * rules.window_days as integer)
        >= windows.known_from_at

),

-- Whole days before the checkpoint; a project without all of them is left out.
days as (

    select
        bounded.project_id,
        bounded.checkpoint_number,
        bounded.window_days,
        error_days.error_date,
        error_days.error_date >= bounded.recent_from_date as is_recent,
        coalesce(issue_days.background_event_count, 0) as event_count

    from bounded
    inner join error_days
        on
            bounded.project_id = error_days.project_id
            and bounded.checkpoint_date > error_days.error_date
            and bounded.from_date <= error_days.error_date
    left join issue_days
        on
            error_days.project_id = issue_days.project_id
            and error_days.error_date = issue_days.issue_date

    qualify
        count(*) over (partition by bounded.project_id, bounded.checkpoint_number)
        = 2 * bounded.window_days

)

select * from days

with error_days as (

    select * from {{ ref('int_error_days') }}

),

clocks as (

    select * from {{ ref('int_project_clocks') }}

),

weekly as (

    select
        project_id,
        any_value(project_slug) as project_slug,
        week_start_date,
        min(error_date) as from_date,
        cast(sum(accepted_count) as bigint) as accepted_count,
        cast(sum(filtered_count) as bigint) as filtered_count,
        cast(sum(rate_limited_count + other_count) as bigint) as dropped_count,
        cast(
            sum(accepted_count + filtered_count + rate_limited_count + other_count) as bigint
        ) as total_count

    from error_days

    group by project_id, week_start_date

),

bounded as (

    select
        weekly.*,
        {{ hours_between(
            'cast(weekly.from_date as timestamp)',
            "least(cast(weekly.week_start_date as timestamp) + interval '7 days', clocks.as_of)",
        ) }} as observed_hours,
        weekly.from_date = weekly.week_start_date
        and cast(weekly.week_start_date as timestamp) + interval '7 days' <= clocks.as_of
            as is_complete_week,
        coalesce(weekly.week_start_date >= clocks.issues_from_at, true) as are_new_issues_known,
        clocks.as_of

    from weekly
    inner join clocks
        on weekly.project_id = clocks.project_id

)

select * from bounded

with project_days as (

    select * from {{ ref('int_project_days') }}

),

clocks as (

    select * from {{ ref('int_project_clocks') }}

),

-- What a week holds is not known before all issues of the project are.
weeks as (

    select distinct
        project_days.project_id,
        project_days.project_slug,
        project_days.week_start_date,
        cast(project_days.week_start_date as timestamp) as week_start_at,
        cast(project_days.week_start_date as timestamp) + interval '7 days' as week_end_at,
        least(
            cast(project_days.week_start_date as timestamp) + interval '7 days', clocks.as_of
        ) as observed_until_at,
        cast(project_days.week_start_date as timestamp) + interval '7 days' <= clocks.as_of
            as is_complete_week,
        clocks.as_of

    from project_days
    inner join clocks
        on project_days.project_id = clocks.project_id

    where clocks.issues_from_at is null

)

select * from weeks

with holdings as (

    select * from {{ ref('int_week_holdings') }}

),

assigned_time as (

    select
        project_id,
        week_start_date,
        sum(held_hours) as assigned_hours

    from holdings

    group by project_id, week_start_date

)

select * from assigned_time

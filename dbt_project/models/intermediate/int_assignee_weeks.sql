with spans as (

    select * from {{ ref('int_assignment_spans') }}

),

resolutions as (

    select * from {{ ref('int_resolution_assignees') }}

),

holdings as (

    select * from {{ ref('int_week_holdings') }}

),

-- One row per fact; what a row does not tell is null, and adds nothing.
facts as (

    select
        project_id,
        assignee_key,
        cast(date_trunc('week', assigned_at) as date) as week_start_date,
        1 as assignment_count,
        if(is_handoff, 1, 0) as handoff_in_count,
        if(is_return, 1, 0) as ping_pong_count
    from spans

    union all by name

    select
        project_id,
        previous_assignee_key as assignee_key,
        cast(date_trunc('week', assigned_at) as date) as week_start_date,
        1 as handoff_out_count
    from spans

    where is_handoff

    union all by name

    select
        project_id,
        assignee_key,
        cast(date_trunc('week', closed_at) as date) as week_start_date,
        1 as resolved_count
    from resolutions

    union all by name

    select * from holdings

),

summed as (

    select
        project_id,
        assignee_key,
        week_start_date,
        cast(coalesce(sum(assignment_count), 0) as bigint) as assignment_count,
        cast(coalesce(sum(handoff_in_count), 0) as bigint) as handoff_in_count,
        cast(coalesce(sum(handoff_out_count), 0) as bigint) as handoff_out_count,
        cast(coalesce(sum(ping_pong_count), 0) as bigint) as ping_pong_count,
        cast(coalesce(sum(resolved_count), 0) as bigint) as resolved_count,
        cast(coalesce(sum(held_count), 0) as bigint) as open_count,
        coalesce(sum(held_hours), 0.0) as held_hours

    from facts

    group by project_id, assignee_key, week_start_date

)

select * from summed

with spans as (

    select * from {{ ref('int_assignment_spans') }}

),

counted as (

    select
        project_id,
        cast(date_trunc('week', assigned_at) as date) as week_start_date,
        count(*) as assignment_count,
        count(*) filter (where assignment_source = 'user') as user_assignment_count,
        count(*) filter (where assignment_source = 'team') as team_assignment_count,
        count(*) filter (where assignment_source = 'auto') as auto_assignment_count,
        count(*) filter (where is_handoff) as handoff_count,
        count(*) filter (where is_return) as ping_pong_count

    from spans

    group by project_id, cast(date_trunc('week', assigned_at) as date)

)

select * from counted

with held as (

    select * from {{ ref('int_week_holdings') }}
    where held_count > 0

),

shares as (

    select
        *,
        held_count / cast(
            sum(held_count) over (partition by project_id, week_start_date) as double
        ) as held_share

    from held

),

concentrations as (

    select
        project_id,
        week_start_date,
        cast(sum(held_count) as bigint) as assigned_open_count,
        count(*) as assignee_count,
        sum(held_share * held_share) as assignee_hhi,
        max(held_share) as top_assignee_share

    from shares

    group by project_id, week_start_date

)

select * from concentrations

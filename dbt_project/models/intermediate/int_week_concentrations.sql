with weeks as (

    select * from {{ ref('int_project_weeks') }}

),

episode_assignments as (

    select * from {{ ref('int_episode_assignments') }}

),

held as (

    select
        weeks.project_id,
        weeks.week_start_date,
        episode_assignments.assignee_key,
        count(*) as held_count

    from weeks
    inner join episode_assignments
        on
            weeks.project_id = episode_assignments.project_id
            and weeks.observed_until_at > episode_assignments.held_from_at
            and (
                episode_assignments.held_until_at is null
                or weeks.observed_until_at <= episode_assignments.held_until_at
            )

    group by weeks.project_id, weeks.week_start_date, episode_assignments.assignee_key

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

with episodes as (

    select * from {{ ref('int_episodes') }}

),

clocks as (

    select * from {{ ref('int_project_clocks') }}

),

summaries as (

    select * from {{ ref('int_episode_assignment_summaries') }}

),

-- A cohort is not known before all issues of the project are.
timed as (

    select
        episodes.project_id,
        cast(date_trunc('month', episodes.opened_at) as date) as month_start_date,
        cast(date_trunc('week', episodes.opened_at) as date) as week_start_date,
        episodes.is_resolved,
        summaries.first_assigned_at is not null as is_assigned,
        {{ hours_between('episodes.opened_at', 'episodes.ended_at') }} as open_hours,
        {{ hours_between(
            'episodes.opened_at',
            'coalesce(summaries.first_assigned_at, episodes.ended_at)',
        ) }} as unassigned_hours

    from episodes
    inner join summaries
        on episodes.episode_id = summaries.episode_id
    inner join clocks
        on episodes.project_id = clocks.project_id

    where clocks.issues_from_at is null

),

subjects as (

    select
        'resolution' as measure,
        project_id,
        month_start_date as cohort_date,
        open_hours as hours,
        is_resolved as is_event

    from timed

    union all

    select
        'resolution' as measure,
        null as project_id,
        month_start_date as cohort_date,
        open_hours as hours,
        is_resolved as is_event

    from timed

    union all

    select
        'first_assignment' as measure,
        project_id,
        week_start_date as cohort_date,
        unassigned_hours as hours,
        is_assigned as is_event

    from timed

)

select * from subjects

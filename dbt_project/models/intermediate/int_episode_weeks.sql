with episodes as (

    select * from {{ ref('int_episodes') }}

),

summaries as (

    select * from {{ ref('int_episode_assignment_summaries') }}

),

timed as (

    select
        episodes.project_id,
        episodes.is_resolved,
        episodes.opened_by = 'regression' as is_regression,
        summaries.is_assigned_at_close,
        summaries.first_assigned_at,
        {{ hours_between('episodes.opened_at', 'summaries.first_assigned_at') }}
            as hours_to_first_assignment,
        cast(date_trunc('week', episodes.opened_at) as date) as opened_week,
        cast(date_trunc('week', summaries.first_assigned_at) as date) as assigned_week,
        cast(date_trunc('week', episodes.closed_at) as date) as closed_week

    from episodes
    inner join summaries
        on episodes.episode_id = summaries.episode_id

)

select * from timed

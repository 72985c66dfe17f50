with episodes as (

    select * from {{ ref('int_episodes') }}

),

summarized as (

    select
        issue_id,
        count(*) as episode_count,
        count(*) filter (where is_resolved) as resolution_count,
        count(*) filter (where opened_by = 'regression') as regression_count,
        arg_max(coalesce(close_kind, 'open'), episode_number) as issue_state,
        max(closed_at) as last_closed_at

    from episodes

    group by issue_id

)

select * from summarized

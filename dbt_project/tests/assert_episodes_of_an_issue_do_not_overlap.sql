-- Episodes that begin before the issue's one before has ended.
with episodes as (

    select
        episode_id,
        opened_at,
        episode_number,
        lag(closed_at) over by_issue as previous_closed_at

    from {{ ref('resolution_time') }}

    window by_issue as (partition by issue_id order by episode_number)

)

select * from episodes

where
    episode_number > 1
    and (previous_closed_at is null or opened_at < previous_closed_at)

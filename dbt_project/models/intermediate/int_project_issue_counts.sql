with issues as (

    select * from {{ ref('stg_sentry__issues') }}

),

summaries as (

    select * from {{ ref('int_issue_episode_summaries') }}

),

counted as (

    select
        issues.project_id,
        count(*) as issue_count,
        count(*) filter (where summaries.issue_state = 'open') as open_issue_count

    from issues
    left join summaries
        on issues.issue_id = summaries.issue_id

    group by issues.project_id

)

select * from counted

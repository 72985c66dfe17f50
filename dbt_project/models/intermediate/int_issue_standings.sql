with issues as (

    select * from {{ ref('stg_sentry__issues') }}

),

survivors as (

    select * from {{ ref('int_issue_survivors') }}

),

first_releases as (

    select * from {{ ref('int_issue_first_releases') }}

),

summaries as (

    select * from {{ ref('int_issue_episode_summaries') }}

),

histories as (

    select * from {{ ref('stg_sentry__issue_histories') }}

),

standings as (

    select
        issues.issue_id,
        survivors.surviving_issue_id,
        coalesce(summaries.issue_state, 'unknown') as issue_state,
        first_releases.release_id as first_release_id,
        first_releases.attribution_method,
        coalesce(summaries.episode_count, 0) as episode_count,
        coalesce(summaries.resolution_count, 0) as resolution_count,
        coalesce(summaries.regression_count, 0) as regression_count,
        survivors.is_merged,
        histories.issue_id is not null as is_history_read,
        coalesce(histories.is_cut_off, false) as is_history_cut_off,
        summaries.last_closed_at

    from issues
    inner join survivors using (issue_id)
    left join first_releases using (issue_id)
    left join summaries using (issue_id)
    left join histories using (issue_id)

)

select * from standings

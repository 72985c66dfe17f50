with projects as (

    select * from {{ ref('int_projects') }}

),

releases as (

    select * from {{ ref('release_stability') }}

),

clocks as (

    select * from {{ ref('int_project_clocks') }}

),

counted as (

    select
        projects.project_id,
        projects.project_slug,
        count(releases.release_id) as release_count,
        count(*) filter (where releases.release_state = 'mature') as mature_release_count,
        count(*) filter (where releases.release_state = 'immature') as immature_release_count,
        count(releases.has_failed) as judged_release_count,
        count(*) filter (where releases.has_failed) as failed_release_count,
        count(*) filter (where releases.was_hotfixed is not null) as hotfix_decided_count,
        count(*) filter (where releases.was_hotfixed) as hotfixed_release_count,
        median(releases.stability_score) as median_stability_score,
        median(releases.hours_to_next_release) as median_hours_between_releases,
        max(releases.released_at) filter (
            where releases.release_state in ('mature', 'immature')
        ) as latest_released_at

    from projects
    left join releases
        on projects.project_id = releases.project_id

    group by projects.project_id, projects.project_slug

),

rated as (

    select
        counted.project_id,
        counted.project_slug,
        counted.release_count,
        counted.mature_release_count,
        counted.immature_release_count,
        counted.judged_release_count,
        counted.failed_release_count,
        counted.failed_release_count
        / cast(nullif(counted.judged_release_count, 0) as double) as change_failure_rate,
        {{ wilson_bound('counted.failed_release_count', 'counted.judged_release_count', -1) }}
            as change_failure_rate_low,
        {{ wilson_bound('counted.failed_release_count', 'counted.judged_release_count', 1) }}
            as change_failure_rate_high,
        counted.hotfixed_release_count,
        counted.hotfixed_release_count
        / cast(nullif(counted.hotfix_decided_count, 0) as double) as hotfix_rate,
        counted.median_stability_score,
        counted.median_hours_between_releases,
        counted.latest_released_at,
        clocks.as_of

    from counted
    inner join clocks
        on counted.project_id = clocks.project_id

)

select * from rated

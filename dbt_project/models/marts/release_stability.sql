with states as (

    select * from {{ ref('int_release_states') }}

),

measures as (

    select * from {{ ref('int_release_measures') }}

),

scores as (

    select * from {{ ref('int_release_scores') }}

),

projects as (

    select * from {{ ref('int_projects') }}

),

described as (

    select
        states.release_id || '-' || states.project_id as release_project_id,
        states.release_id,
        states.project_id,
        projects.project_slug,
        states.release_version,
        states.release_status,
        states.release_state,
        states.released_at_source,
        states.attribution_method,
        states.next_release_id,
        states.release_number,
        states.observed_hours,
        states.hours_since_previous_release,
        states.hours_to_next_release,
        states.commit_count,
        states.deploy_count,
        states.sentry_new_issue_count,
        measures.* exclude (release_id, project_id, is_mature, has_failed, was_hotfixed),
        scores.* exclude (release_id, project_id),
        measures.is_mature,
        measures.has_failed,
        measures.was_hotfixed,
        states.is_hotfix,
        states.released_at,
        states.next_released_at,
        states.window_end_at,
        states.failure_window_end_at,
        states.as_of

    from states
    inner join measures
        on
            states.release_id = measures.release_id
            and states.project_id = measures.project_id
    inner join projects
        on states.project_id = projects.project_id
    left join scores
        on
            states.release_id = scores.release_id
            and states.project_id = scores.project_id

)

select * from described

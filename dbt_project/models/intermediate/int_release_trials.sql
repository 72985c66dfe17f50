with states as (

    select * from {{ ref('int_release_states') }}
    where release_state in ('mature', 'immature')

),

measures as (

    select * from {{ ref('int_release_measures') }}

),

released as (

    select
        states.project_id,
        states.release_id,
        states.was_hotfixed,
        measures.has_failed,
        states.released_at,
        states.failure_window_end_at

    from states
    inner join measures
        on
            states.release_id = measures.release_id
            and states.project_id = measures.project_id

),

trials as (

    select
        'unstable_releases' as rule_name,
        project_id,
        release_id,
        has_failed as is_success,
        released_at as entered_at,
        failure_window_end_at as decided_at

    from released

    where has_failed is not null

    union all

    select
        'hotfix_chains' as rule_name,
        project_id,
        release_id,
        was_hotfixed as is_success,
        released_at as entered_at,
        released_at + interval '{{ var("hotfix_hours") }} hours' as decided_at

    from released

    where was_hotfixed is not null

)

select * from trials

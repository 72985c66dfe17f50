with states as (

    select * from {{ ref('int_release_states') }}
    where release_state = 'mature'

),

measures as (

    select * from {{ ref('int_release_measures') }}

),

trials as (

    select
        'weekday_effect' as rule_name,
        states.project_id,
        states.release_id,
        isodow(states.released_at) as weekday_number,
        dayname(states.released_at) as weekday_name,
        measures.early_new_severe_issue_count,
        states.released_at as entered_at,
        states.failure_window_end_at as decided_at

    from states
    inner join measures
        on
            states.release_id = measures.release_id
            and states.project_id = measures.project_id

    where measures.early_new_severe_issue_count is not null

)

select * from trials

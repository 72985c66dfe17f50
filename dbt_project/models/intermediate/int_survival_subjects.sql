with resolutions as (

    select * from {{ ref('int_resolution_subjects') }}

),

episodes as (

    select * from {{ ref('int_cohort_episodes') }}

),

subjects as (

    select
        measure,
        project_id,
        segment,
        cohort_date,
        hours,
        is_event

    from resolutions

    union all

    select
        'first_assignment' as measure,
        project_id,
        null as segment,
        week_start_date as cohort_date,
        unassigned_hours as hours,
        is_assigned as is_event

    from episodes

)

select * from subjects

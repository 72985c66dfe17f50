with clocks as (

    select * from {{ ref('int_project_clocks') }}
    where issues_from_at is null

),

steps as (

    select unnest(generate_series(0, {{ var('finding_weeks') }})) as week_number

),

-- Nothing is looked for in projects of which history is still to be read.
moments as (

    select
        project_id,
        release_volumes_from_date,
        as_of as checkpoint_at,
        true as is_latest

    from clocks

    union all

    select
        clocks.project_id,
        clocks.release_volumes_from_date,
        date_trunc('week', clocks.as_of) - to_days(cast(7 * steps.week_number as integer))
            as checkpoint_at,
        false as is_latest

    from clocks
    cross join steps

    where
        date_trunc('week', clocks.as_of) - to_days(cast(7 * steps.week_number as integer))
        < clocks.as_of

),

numbered as (

    select
        project_id,
        row_number() over (partition by project_id order by checkpoint_at desc)
            as checkpoint_number,
        is_latest,
        cast(release_volumes_from_date as timestamp) as known_from_at,
        checkpoint_at

    from moments

    qualify checkpoint_number <= {{ var('finding_weeks') }} + 1

)

select * from numbered

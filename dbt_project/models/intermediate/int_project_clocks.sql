with projects as (

    select * from {{ ref('int_projects') }}

),

load_runs as (

    select * from {{ ref('stg_sentry__load_runs') }}

),

clock as (

    select * from {{ ref('int_as_of') }}

),

backfills as (

    select * from {{ ref('int_project_backfills') }}

),

last_seen as (

    select
        projects.project_id,
        max(load_runs.as_of) as seen_at

    from projects
    inner join load_runs
        on projects.lost_at > load_runs.as_of

    group by projects.project_id

),

timed as (

    select
        projects.project_id,
        projects.lost_at is not null as is_lost,
        if(projects.lost_at is null, clock.as_of, coalesce(last_seen.seen_at, projects.lost_at))
            as as_of

    from projects
    left join last_seen
        on projects.project_id = last_seen.project_id
    cross join clock

),

clocks as (

    select
        timed.project_id,
        timed.is_lost,
        cast(timed.as_of as date) as as_of_date,
        backfills.release_volumes_from_date,
        backfills.issues_from_at,
        timed.as_of

    from timed
    inner join backfills
        on timed.project_id = backfills.project_id

)

select * from clocks

with projects as (

    select * from {{ ref('int_projects') }}

),

clock as (

    select * from {{ ref('int_as_of') }}

),

backfills as (

    select * from {{ ref('int_backfills') }}

),

-- A project listed since all history was read last waits for its own.
waiting as (

    select
        project_id,
        coalesce(covered_since_at > backfills.complete_at, backfills.complete_at is null)
            as is_waiting

    from projects
    cross join backfills

),

reached as (

    select
        waiting.project_id,
        case
            when not waiting.is_waiting or backfills.release_volumes_from_at is null
                then clock.release_volumes_from_date
            when clock.release_volumes_from_date is null then null
            when backfills.release_volumes_from_at < clock.as_of
                then
                    greatest(
                        clock.release_volumes_from_date,
                        cast(backfills.release_volumes_from_at as date)
                    )
        end as release_volumes_from_date,
        if(waiting.is_waiting, backfills.issues_from_at, null) as issues_from_at

    from waiting
    cross join clock
    cross join backfills

)

select * from reached

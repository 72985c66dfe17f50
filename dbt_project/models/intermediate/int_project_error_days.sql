with error_volume as (

    select * from {{ ref('stg_sentry__project_error_volume') }}

),

clock as (

    select * from {{ ref('int_as_of') }}

),

daily as (

    select
        project_id,
        cast(started_at as date) as error_date,
        coalesce(sum(error_count) filter (where outcome = 'accepted'), 0) as accepted_count,
        coalesce(sum(error_count) filter (where outcome = 'filtered'), 0) as filtered_count,
        coalesce(sum(error_count) filter (where outcome = 'rate_limited'), 0)
            as rate_limited_count,
        coalesce(
            sum(error_count) filter (
                where outcome not in ('accepted', 'filtered', 'rate_limited')
            ), 0
        ) as other_count

    from error_volume
    inner join clock
        on error_volume.started_at <= clock.as_of

    group by project_id, cast(started_at as date)

)

select * from daily

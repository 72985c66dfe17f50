with error_volume as (

    select * from {{ ref('stg_sentry__project_error_volume') }}

),

clocks as (

    select * from {{ ref('int_project_clocks') }}

),

daily as (

    select
        error_volume.project_id,
        cast(error_volume.started_at as date) as error_date,
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
    inner join clocks
        on
            error_volume.project_id = clocks.project_id
            and error_volume.started_at <= clocks.as_of

    group by error_volume.project_id, cast(error_volume.started_at as date)

)

select * from daily

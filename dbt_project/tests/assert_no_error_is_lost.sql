-- Errors of `error_frequency` that the hourly volumes up to the project's as_of do not have, or the
-- reverse.
with volumes as (

    select * from {{ ref('stg_sentry__project_error_volume') }}

),

clocks as (

    select * from {{ ref('int_project_clocks') }}

),

error_frequency as (

    select * from {{ ref('error_frequency') }}

),

loaded as (

    select
        volumes.project_id,
        sum(volumes.error_count) as total_count,
        coalesce(sum(volumes.error_count) filter (where volumes.outcome = 'accepted'), 0)
            as accepted_count

    from volumes
    inner join clocks
        on
            volumes.project_id = clocks.project_id
            and volumes.started_at <= clocks.as_of

    group by volumes.project_id

),

published as (

    select
        project_id,
        sum(accepted_count + filtered_count + rate_limited_count + other_count) as total_count,
        sum(accepted_count) as accepted_count

    from error_frequency

    group by project_id

)

select *

from loaded
full join published
    on
        loaded.project_id = published.project_id
        and loaded.total_count = published.total_count
        and loaded.accepted_count = published.accepted_count

where loaded.project_id is null or published.project_id is null

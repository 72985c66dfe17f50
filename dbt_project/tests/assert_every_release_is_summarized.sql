-- Projects whose summary counts other releases than `release_stability` has.
with releases as (

    select
        project_id,
        count(*) as release_count,
        count(*) filter (where has_failed) as failed_release_count

    from {{ ref('release_stability') }}

    group by project_id

),

summaries as (

    select * from {{ ref('release_stability_summary') }}
    where release_count > 0

)

select *

from releases
full join summaries
    on
        releases.project_id = summaries.project_id
        and releases.release_count = summaries.release_count
        and releases.failed_release_count = summaries.failed_release_count

where releases.project_id is null or summaries.project_id is null

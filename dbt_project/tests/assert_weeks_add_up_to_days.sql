-- Projects whose weeks in `project_error_rate` hold other errors than their days.
with weeks as (

    select
        project_id,
        sum(total_count) as total_count,
        sum(accepted_count) as accepted_count

    from {{ ref('project_error_rate') }}

    group by project_id

),

days as (

    select
        project_id,
        sum(accepted_count + filtered_count + rate_limited_count + other_count) as total_count,
        sum(accepted_count) as accepted_count

    from {{ ref('error_frequency') }}

    group by project_id

)

select *

from weeks
full join days
    on
        weeks.project_id = days.project_id
        and weeks.total_count = days.total_count
        and weeks.accepted_count = days.accepted_count

where weeks.project_id is null or days.project_id is null

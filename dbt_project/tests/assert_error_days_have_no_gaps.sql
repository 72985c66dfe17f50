-- Days of `error_frequency` that do not follow the project's day before.
with days as (

    select
        project_id,
        error_date,
        lag(error_date) over (partition by project_id order by error_date) as previous_date

    from {{ ref('error_frequency') }}

)

select * from days
where error_date != previous_date + 1

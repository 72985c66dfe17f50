with timeline as (

    select * from {{ ref('int_release_timeline') }}

),

first_releases as (

    select
        project_id,
        min(released_at) as first_released_at

    from timeline

    group by project_id

)

select * from first_releases

with states as (

    select * from {{ ref('int_release_states') }}

),

weekly as (

    select
        project_id,
        cast(date_trunc('week', released_at) as date) as week_start_date,
        count(*) as release_count

    from states

    where released_at <= as_of

    group by project_id, cast(date_trunc('week', released_at) as date)

)

select * from weekly

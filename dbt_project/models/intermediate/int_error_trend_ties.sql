with points as (

    select * from {{ ref('int_error_trend_points') }}

),

tied as (

    select
        project_id,
        error_date,
        count(*) as tied_count

    from points

    group by project_id, error_date, accepted_count

),

ties as (

    select
        project_id,
        error_date,
        sum(tied_count * (tied_count - 1) * (2 * tied_count + 5)) as tie_term

    from tied

    group by project_id, error_date

)

select * from ties

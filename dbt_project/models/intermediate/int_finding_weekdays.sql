with tested as (

    select * from {{ ref('int_weekday_effects') }}

),

-- One of several weekdays is the worst by chance: Bonferroni.
measured as (

    select
        rule_name,
        project_id,
        checkpoint_number,
        cast(all_count as bigint) as sample_size,
        cast(here_count as bigint) as success_count,
        group_count,
        weekday_name as group_key,
        superiority as measured_value,
        greatest(0.0, superiority - 1.959963984540054 * standard_error) as interval_low,
        least(1.0, superiority + 1.959963984540054 * standard_error) as interval_high,
        least(1.0, group_count * ({{ normal_two_sided_p('z') }})) as p_value

    from tested

    where z is not null

    qualify
        row_number() over (
            partition by project_id, checkpoint_number
            order by z desc, weekday_number asc
        ) = 1

)

select * from measured

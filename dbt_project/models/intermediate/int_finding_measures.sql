with shares as (

    select
        *,
        null as group_count,
        null as group_key
    from {{ ref('int_finding_shares') }}

    union all by name

    select * from {{ ref('int_finding_owners') }}

),

weekdays as (

    select * from {{ ref('int_finding_weekdays') }}

),

growth as (

    select * from {{ ref('int_finding_growth') }}

),

bounded as (

    select
        *,
        success_count / cast(sample_size as double) as measured_value,
        {{ wilson_bound('success_count', 'sample_size', -1) }} as interval_low,
        {{ wilson_bound('success_count', 'sample_size', 1) }} as interval_high,
        cast(null as double) as p_value

    from shares

),

combined as (

    select * from bounded
    union all by name
    select * from weekdays
    union all by name
    select * from growth

),

measures as (

    select
        rule_name,
        project_id,
        checkpoint_number,
        cast(group_key as varchar) as group_key,
        cast(group_count as bigint) as group_count,
        sample_size,
        success_count,
        measured_value,
        interval_low,
        interval_high,
        p_value

    from combined

)

select * from measures

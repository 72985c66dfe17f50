with error_days as (

    select * from {{ ref('int_error_days') }}

),

baselines as (

    select * from {{ ref('int_error_baselines') }}

),

trends as (

    select * from {{ ref('int_error_trends') }}

),

issue_days as (

    select * from {{ ref('int_issue_days') }}

),

clocks as (

    select * from {{ ref('int_project_clocks') }}

),

described as (

    select
        error_days.project_id || '-' || error_days.error_date as project_day_id,
        error_days.project_id,
        error_days.project_slug,
        error_days.accepted_count,
        error_days.filtered_count,
        error_days.rate_limited_count,
        error_days.other_count,
        error_days.accepted_count / cast(nullif(
            sum(error_days.accepted_count) over (partition by error_days.error_date), 0
        ) as double) as organization_share,
        baselines.mean_7d,
        baselines.median_28d,
        baselines.mad_28d,
        baselines.spike_threshold,
        baselines.week_count / cast(nullif(baselines.previous_week_count, 0) as double)
            as week_over_week_ratio,
        {{ poisson_ratio_bound('baselines.week_count', 'baselines.previous_week_count', -1) }}
            as week_over_week_low,
        {{ poisson_ratio_bound('baselines.week_count', 'baselines.previous_week_count', 1) }}
            as week_over_week_high,
        trends.theil_sen_slope,
        {{ normal_two_sided_p('trends.mann_kendall_z') }} as mann_kendall_p,
        case
            when error_days.error_date >= clocks.release_volumes_from_date
                then coalesce(issue_days.active_issue_count, 0)
        end as active_issue_count,
        case
            when coalesce(error_days.error_date >= clocks.issues_from_at, true)
                then coalesce(issue_days.new_issue_count, 0)
        end as new_issue_count,
        baselines.is_spike,
        error_days.is_complete_day,
        error_days.error_date,
        clocks.as_of

    from error_days
    inner join clocks using (project_id)
    left join baselines using (project_id, error_date)
    left join trends using (project_id, error_date)
    left join issue_days
        on
            error_days.project_id = issue_days.project_id
            and error_days.error_date = issue_days.issue_date

)

select * from described

with counts as (

    select * from {{ ref('int_week_errors') }}

),

issues as (

    select * from {{ ref('int_week_issues') }}

),

releases as (

    select * from {{ ref('int_week_releases') }}

),

rates as (

    select
        *,
        accepted_count / nullif(observed_hours, 0.0) as errors_per_hour,
        lag(accepted_count / nullif(observed_hours, 0.0)) over (
            partition by project_id
            order by week_start_date
        ) as previous_errors_per_hour

    from counts

),

described as (

    select
        rates.project_id || '-' || rates.week_start_date as project_week_id,
        rates.project_id,
        rates.project_slug,
        rates.observed_hours,
        rates.accepted_count,
        rates.filtered_count,
        rates.dropped_count,
        rates.total_count,
        rates.errors_per_hour,
        24.0 * rates.errors_per_hour as errors_per_day,
        rates.accepted_count / cast(nullif(
            sum(rates.accepted_count) over (partition by rates.week_start_date), 0
        ) as double) as organization_share,
        rates.filtered_count / cast(nullif(rates.total_count, 0) as double) as filtered_share,
        rates.dropped_count / cast(nullif(rates.total_count, 0) as double) as dropped_share,
        rates.errors_per_hour / nullif(rates.previous_errors_per_hour, 0.0) - 1.0
            as change_to_previous_week,
        if(rates.are_new_issues_known, coalesce(issues.new_issue_count, 0), null)
            as new_issue_count,
        if(rates.are_new_issues_known, coalesce(issues.new_unhandled_issue_count, 0), null)
            as new_unhandled_issue_count,
        if(rates.are_new_issues_known, issues.new_unhandled_issue_count, null)
        / cast(nullif(issues.new_known_handling_issue_count, 0) as double) as unhandled_share,
        coalesce(releases.release_count, 0) as release_count,
        rates.accepted_count / cast(releases.release_count as double) as errors_per_release,
        rates.is_complete_week,
        rates.week_start_date,
        rates.as_of

    from rates
    left join issues using (project_id, week_start_date)
    left join releases using (project_id, week_start_date)

)

select * from described

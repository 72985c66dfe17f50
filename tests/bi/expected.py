"""What each chart has to show, as SQL over the marts' files of one connection.

It is asked otherwise than the chart asks, of another mart where one knows it, too.
"""

ROWS: dict[str, str] = {
    "Findings": "select count(*) as active_findings from process_findings where is_active",
    "Change failure rate": """
        select count(*) filter (where has_failed) / count(has_failed) as change_failure_rate
        from release_stability
    """,
    "Open issues": """
        select count(distinct issue_id) as open_issues from resolution_time where is_open
    """,
    "Data as of": "select distinct as_of from data_freshness",
    "Time unassigned": """
        select week_start_date, sum(unassigned_share * open_hours) / sum(open_hours)
        from assignment_pattern
        where is_complete_week and open_hours > 0
        group by all
    """,
    "Errors on the latest day": """
        select error_date, sum(accepted_count) from error_frequency where is_complete_day group by 1
    """,
    "Findings: what points to a process problem": """
        select severity, project_slug, finding, advice, sample_size, first_detected_at
        from process_findings
        where is_active
        order by list_position(['high', 'medium', 'low'], severity), interval_low desc
    """,
    "Change failure rate with its interval": """
        select
            project_slug, judged_release_count, failed_release_count, change_failure_rate,
            change_failure_rate_low, change_failure_rate_high, hotfix_rate
        from release_stability_summary
    """,
    "Medians of the organization, with their interval": """
        select
            cohort_month, episode_count, open_count, km_median_hours / 24,
            km_median_low_hours / 24, km_median_high_hours / 24, naive_median_hours / 24
        from resolution_time_distribution
        where scope = 'organization'
        order by cohort_month desc
    """,
    "Median days to resolution by project and month of opening": """
        select cohort_month, project_slug, km_median_hours / 24
        from resolution_time_distribution
        where scope = 'project'
    """,
    "Time unassigned by project and week": """
        select week_start_date, project_slug, unassigned_share
        from assignment_pattern
        where is_complete_week
    """,
    "Who holds the work, and how often it moves": """
        select
            project_slug, open_count, assignee_count, top_assignee_share, assignee_hhi,
            unassigned_share, km_median_hours_to_assignment,
            (sum(handoff_count) over project)::bigint, (sum(ping_pong_count) over project)::bigint
        from assignment_pattern
        where is_complete_week
        window project as (partition by project_id)
        qualify row_number() over (partition by project_id order by week_start_date desc) = 1
    """,
    "Where errors are heading": """
        select
            project_slug, mean_7d, week_over_week_ratio, week_over_week_low, week_over_week_high,
            theil_sen_slope, mann_kendall_p,
            count(*) filter (where is_spike) over (partition by project_id)
        from error_frequency
        where is_complete_day
        qualify row_number() over (partition by project_id order by error_date desc) = 1
    """,
    "Errors per hour, and what is not seen": """
        select
            project_slug, sum(accepted_count), sum(accepted_count) / sum(observed_hours),
            sum(filtered_count) / sum(total_count), sum(dropped_count) / sum(total_count),
            sum(new_issue_count)
        from project_error_rate
        group by project_slug
    """,
    "Data freshness": """
        select
            table_name, coverage_status, coverage_reason, row_count, covered_from_at, latest_at,
            as_of
        from data_freshness
        order by table_name
    """,
}
"""Charts that show the rows of an answer."""

SERIES: dict[str, str] = {
    "Releases by grade": """
        select date_trunc('week', released_at), stability_grade, count(*)
        from release_stability
        where stability_grade is not null and attribution_method = 'volume'
        group by all
    """,
    "Stability score of each release": """
        select released_at, project_slug, stability_score
        from release_stability
        where attribution_method = 'volume' and stability_score is not null
    """,
    "Change failure rate by project": """
        select project_slug, 'change_failure_rate', change_failure_rate
        from release_stability_summary
        where judged_release_count > 0
    """,
    "Time to resolution by month of opening": """
        unpivot (
            select
                cohort_month, km_median_hours / 24 as km_median_days,
                naive_median_hours / 24 as naive_median_days
            from resolution_time_distribution
            where scope = 'organization'
        ) on km_median_days, naive_median_days
    """,
    "What became of the issues opened in a month": """
        unpivot (
            select
                date_trunc('month', opened_at) as opened_in,
                count(*) filter (where is_resolved) as resolved,
                count(*) filter (where is_open) as still_open,
                count(*) filter (where close_kind = 'archived') as archived,
                count(*) filter (where close_kind = 'by_age') as closed_by_age,
                count(*) filter (
                    where close_kind in ('merged', 'deleted', 'out_of_reach')
                ) as otherwise_ended
            from resolution_time
            group by opened_in
        ) on resolved, still_open, archived, closed_by_age, otherwise_ended
    """,
    "Errors per day": """
        select error_date, project_slug, accepted_count from error_frequency where is_complete_day
    """,
    "Error rate by project": """
        select week_start_date, project_slug, errors_per_hour
        from project_error_rate
        where is_complete_week
    """,
}
"""Charts with a series of points by name: a row is where, which series, and how much."""

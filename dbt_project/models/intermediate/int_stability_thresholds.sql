with thresholds as (

    select * from {{ ref('stability_thresholds') }}

),

pivoted as (

    select
        max(value) filter (where threshold = 'failure_min_event_count')
            as failure_min_event_count,
        max(value) filter (where threshold = 'failure_min_issue_count')
            as failure_min_issue_count,
        max(value) filter (where threshold = 'new_issue_points') as new_issue_points,
        max(value) filter (where threshold = 'new_issue_half_count') as new_issue_half_count,
        max(value) filter (where threshold = 'regression_points') as regression_points,
        max(value) filter (where threshold = 'regression_half_count') as regression_half_count,
        max(value) filter (where threshold = 'comparison_points') as comparison_points,
        max(value) filter (where threshold = 'comparison_min_releases')
            as comparison_min_releases,
        max(value) filter (where threshold = 'hotfix_points') as hotfix_points

    from thresholds

)

select * from pivoted

with measures as (

    select * from {{ ref('int_release_measures') }}
    where is_mature and regression_count is not null

),

thresholds as (

    select * from {{ ref('int_stability_thresholds') }}

),

grades as (

    select * from {{ ref('stability_grades') }}

),

points as (

    select
        measures.release_id,
        measures.project_id,
        thresholds.new_issue_points * thresholds.new_issue_half_count
        / (thresholds.new_issue_half_count + measures.early_new_severe_issue_count)
            as new_issue_points,
        thresholds.regression_points * thresholds.regression_half_count
        / (thresholds.regression_half_count + measures.regression_count) as regression_points,
        -- `least` would pass over a missing baseline.
        case
            when measures.baseline_new_issue_count is not null
                then
                    thresholds.comparison_points * least(
                        1.0,
                        (measures.baseline_new_issue_count + 1.0)
                        / (measures.new_issue_count + 1.0)
                    )
        end as comparison_points,
        case when measures.was_hotfixed then 0 else thresholds.hotfix_points end as hotfix_points,
        thresholds.new_issue_points + thresholds.regression_points + thresholds.hotfix_points
        + case
            when measures.baseline_new_issue_count is null then 0
            else thresholds.comparison_points
        end
            as attainable_points

    from measures
    cross join thresholds

),

scored as (

    select
        *,
        100.0 * (
            new_issue_points + regression_points + coalesce(comparison_points, 0.0)
            + hotfix_points
        ) / attainable_points as stability_score

    from points

),

graded as (

    select
        scored.*,
        (
            select arg_max(grades.grade, grades.min_score)
            from grades
            where grades.min_score <= scored.stability_score
        ) as stability_grade

    from scored

)

select * from graded

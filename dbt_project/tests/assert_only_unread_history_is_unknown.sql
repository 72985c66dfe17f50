-- Rows in which a count is missing although all history of their project was read.
with clocks as (

    select * from {{ ref('int_project_clocks') }}
    where issues_from_at is null

),

counts as (

    select
        'error_frequency' as mart,
        project_id,
        new_issue_count is null as is_unknown

    from {{ ref('error_frequency') }}

    union all

    select
        'project_error_rate' as mart,
        project_id,
        new_issue_count is null or new_unhandled_issue_count is null as is_unknown

    from {{ ref('project_error_rate') }}

    union all

    select
        'release_stability' as mart,
        project_id,
        (
            new_issue_count is null
            or early_new_severe_issue_count is null
            or regression_count is null
            or early_regression_count is null
            or (failing_issue_count is null and attribution_method = 'volume')
        ) as is_unknown

    from {{ ref('release_stability') }}

)

select counts.*

from counts
inner join clocks
    on counts.project_id = clocks.project_id

where counts.is_unknown

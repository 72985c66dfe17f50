with recursive issues as (

    select * from {{ ref('stg_sentry__issues') }}

),

links as (

    select
        issue_id,
        merged_into_issue_id

    from issues

    where merged_into_issue_id is not null

),

-- `union` drops repeated rows, so that even a circle of links comes to an end.
steps as (

    select
        issue_id,
        merged_into_issue_id as reached_issue_id

    from links

    union

    select
        steps.issue_id,
        links.merged_into_issue_id as reached_issue_id

    from steps
    inner join links
        on steps.reached_issue_id = links.issue_id

),

ends as (

    select steps.*

    from steps
    left join links
        on steps.reached_issue_id = links.issue_id

    where links.issue_id is null

),

survivors as (

    select
        issues.issue_id,
        coalesce(ends.reached_issue_id, issues.issue_id) as surviving_issue_id,
        ends.reached_issue_id is not null as is_merged

    from issues
    left join ends
        on issues.issue_id = ends.issue_id

)

select * from survivors

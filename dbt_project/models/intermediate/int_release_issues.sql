with new_issues as (

    select * from {{ ref('int_new_issues') }}

),

first_releases as (

    select * from {{ ref('int_issue_first_releases') }}

),

regressions as (

    select * from {{ ref('int_release_regressions') }}

),

first_seen as (

    select
        first_releases.release_id,
        new_issues.project_id,
        new_issues.issue_id,
        'new' as relation,
        new_issues.first_seen_at as occurred_at

    from first_releases
    inner join new_issues
        on first_releases.issue_id = new_issues.issue_id

),

regressed as (

    select
        release_id,
        project_id,
        issue_id,
        'regressed' as relation,
        occurred_at

    from regressions

),

related as (

    select * from first_seen
    union all
    select * from regressed

)

select * from related

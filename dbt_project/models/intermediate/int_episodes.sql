with changes as (

    select * from {{ ref('int_issue_status_changes') }}

),

corrections as (

    select * from {{ ref('int_issue_status_corrections') }}

),

issues as (

    select * from {{ ref('stg_sentry__issues') }}

),

clocks as (

    select * from {{ ref('int_project_clocks') }}

),

all_changes as (

    select * from changes
    union all by name
    select * from corrections

),

-- Openings and closings alternate, beginning with an opening.
paired as (

    select
        *,
        (change_number + 1) // 2 as episode_number,
        lead(change_kind) over by_issue as close_kind,
        lead(release_version) over by_issue as closed_in_version,
        lead(is_inferred, 1, false) over by_issue as is_close_inferred,
        lead(occurred_at) over by_issue as closed_at

    from all_changes

    window by_issue as (partition by issue_id order by change_number)

),

episodes as (

    select
        paired.issue_id || '-' || paired.episode_number as episode_id,
        paired.issue_id,
        issues.project_id,
        paired.change_kind as opened_by,
        paired.release_version as opened_in_version,
        paired.close_kind,
        paired.closed_in_version,
        paired.episode_number,
        coalesce(
            paired.close_kind in ('manual', 'in_release', 'in_commit', 'in_pull_request'), false
        ) as is_resolved,
        paired.is_inferred as is_open_inferred,
        paired.is_close_inferred,
        paired.occurred_at as opened_at,
        paired.closed_at,
        coalesce(paired.closed_at, clocks.as_of) as ended_at,
        clocks.as_of

    from paired
    inner join issues using (issue_id)
    inner join clocks
        on issues.project_id = clocks.project_id

    where paired.is_opening

)

select * from episodes

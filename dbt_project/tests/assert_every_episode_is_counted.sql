-- Marts whose counts of episodes differ from the number of episodes; projects of which history is
-- still to be read are in none of them.
with clocks as (

    select * from {{ ref('int_project_clocks') }}

),

episodes as (

    select
        count(*) as episode_count,
        count(*) filter (where resolution_time.is_resolved) as resolved_count

    from {{ ref('resolution_time') }} as resolution_time
    inner join clocks
        on resolution_time.project_id = clocks.project_id

    where clocks.issues_from_at is null

),

counts as (

    select
        scopes.scope as place,
        sum(distribution.episode_count) as episode_count,
        sum(distribution.resolved_count) as resolved_count

    from (
        values ('project'), ('organization'), ('project_level'), ('organization_level'),
        ('project_priority'), ('organization_priority')
    ) as scopes (scope)
    left join {{ ref('resolution_time_distribution') }} as distribution
        on scopes.scope = distribution.scope

    group by scopes.scope

    union all

    select
        'assignment_pattern',
        sum(opened_count),
        sum(resolved_count)

    from {{ ref('assignment_pattern') }}

)

select counts.*

from counts
cross join episodes

where
    coalesce(counts.episode_count, 0) != episodes.episode_count
    or coalesce(counts.resolved_count, 0) != episodes.resolved_count

"""A warehouse as loads leave it, of any size, written by DuckDB within seconds.

Shares no code with the source; the tables are those of the raw contract. Numbers come from hashes,
so the same size gives the same warehouse everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from dlt_sources.sentry.tables import TABLES

if TYPE_CHECKING:
    from pathlib import Path

AS_OF = "timestamptz '2026-10-01 12:00:30+00'"
RETENTION_DAYS = 90


@dataclass(frozen=True, slots=True)
class Size:
    """What a warehouse holds.

    Attributes:
        issues: Issues.
        projects: Projects.
        releases: Releases of each project, over 180 days.
        days_of_events: Days with events of an issue, on average; two rows of volume each.
        touched: Share of the issues with a history of activities.
    """

    issues: int
    projects: int = 20
    releases: int = 40
    days_of_events: int = 5
    touched: float = 0.45


def write(path: Path, size: Size) -> None:
    """Create the schema `raw` and fill it."""
    with duckdb.connect(str(path)) as database:
        database.execute("set timezone = 'UTC'")
        database.execute("create schema raw")
        for name, table in TABLES.items():
            database.register("given", table.to_arrow(()))
            database.execute(
                f"create table raw.{name} as select *, 'load-0' as _dlt_load_id from given"
            )
            database.unregister("given")
        database.execute(_MACRO)
        for name, query in _tables(size).items():
            database.execute(f"insert into raw.{name} by name {query}")
        database.execute("drop macro u")


def change(path: Path, share: float, load: int) -> None:
    """Let another load run an hour later: a share of the issues was resolved, and had events."""
    with duckdb.connect(str(path)) as database:
        database.execute("set timezone = 'UTC'")
        database.execute(_MACRO)
        at = f"{AS_OF} + interval '{load} hours'"
        database.execute(
            f"""
            create temp table changed as
            select id, project_id from raw.issues
            where u(id, {100 + load}) < {share} and tombstone is null
            """
        )
        database.execute(
            f"""
            update raw.issues set status = 'resolved', substatus = null, observed_at = {at},
                count = count + 1, last_seen = {at} - interval '5 minutes',
                _dlt_load_id = 'load-{load}'
            where id in (select id from changed)
            """
        )
        database.execute(
            f"""
            insert into raw.issue_activities by name
            select id || '-r{load}' as id, id as issue_id, 'set_resolved' as type,
                {at} - interval '10 minutes' as date_created, 'p1' as actor_key,
                'load-{load}' as _dlt_load_id
            from changed
            """
        )
        database.execute(
            f"""
            insert into raw.issue_release_volume by name
            select cast({at} as date) as date, project_id, id as issue_id, '' as release,
                1 as count, 'load-{load}' as _dlt_load_id
            from changed
            """
        )
        database.execute(f"insert into raw.load_runs by name {_load_run(load)}")
        database.execute("drop macro u")


_MACRO = "create or replace macro u(i, k) as hash(i || '-' || k) / 18446744073709551616.0"


def _load_run(load: int) -> str:
    counters = [
        name
        for name, kind in TABLES["load_runs"].row.__annotations__.items()
        if "int" in str(kind).split(",", maxsplit=1)[0] or "float" in str(kind).split(",")[0]
    ]
    return (
        f"select 'run-{load}' as run_id, {AS_OF} + interval '{load} hours' as as_of,"
        f" {load} = 0 as is_first, true as is_complete, true as is_backfilled,"
        f" 'load-{load}' as _dlt_load_id, {', '.join(f'0 as {name}' for name in counters)}"
    )


def _tables(size: Size) -> dict[str, str]:
    """Return a query for each table."""
    issues = f"""
        with drawn as (
            select
                i,
                cast(5000000 + i as varchar) as id,
                cast(floor(power(u(i, 1), 1.7) * {size.projects}) as bigint) as project,
                u(i, 2) < {size.touched} as is_touched,
                {AS_OF} - to_microseconds(cast(
                    86400e6 * (0.01 + case when u(i, 3) < 0.1 then 90 + 90 * u(i, 4)
                        else 88 * u(i, 4) end) as bigint)) as first_seen,
                u(i, 5) as fate,
                u(i, 6) as pace
            from range({size.issues}) as numbers(i)
        )
        select
            *,
            first_seen + to_microseconds(cast(86400e6 * 10 * pace * pace as bigint)) as closed_at
        from drawn
    """
    return {
        "organizations": "select '1' as id, 'bench' as slug, 'active' as status,"
        " 'load-0' as _dlt_load_id",
        "projects": f"""
            select cast(i as varchar) as id, 'project-' || i as slug, 'python' as platform,
                true as is_member, true as has_access, 'load-0' as _dlt_load_id
            from range({size.projects}) as numbers(i)
        """,
        "releases": f"""
            select i as id, 'v' || i as version, 'open' as status,
                {AS_OF} - to_microseconds(cast(
                    86400e6 * 180 * (i // {size.projects} + u(i, 7)) / {size.releases} as bigint
                )) as date_released,
                0 as new_groups, 5 as commit_count, 1 as deploy_count, 'load-0' as _dlt_load_id
            from range({size.projects * size.releases}) as numbers(i)
        """,
        "release_projects": f"""
            select i as release_id, cast(i % {size.projects} as varchar) as project_id,
                0 as new_groups, 'load-0' as _dlt_load_id
            from range({size.projects * size.releases}) as numbers(i)
        """,
        "issues": f"""
            with issues as ({issues})
            select id, 'P-' || id as short_id, cast(project as varchar) as project_id,
                case when not is_touched or fate > 0.8 or closed_at > {AS_OF} then 'unresolved'
                    when fate < 0.6 then 'resolved' else 'ignored' end as status,
                if(u(i, 8) < 0.8, 'error', 'warning') as level,
                if(u(i, 9) < 0.3, 'high', 'medium') as priority,
                'python' as platform, 'error' as issue_type, 'error' as issue_category,
                u(i, 10) < 0.5 as is_unhandled, 0 as num_comments,
                if(is_touched, 'user', null) as assignee_type,
                if(is_touched, 'k' || cast(floor(u(i, 11) * 40) as bigint), null) as assignee_key,
                10 as count, first_seen, first_seen as last_seen, {AS_OF} as observed_at,
                'load-0' as _dlt_load_id
            from issues
        """,
        "issue_activities": f"""
            with issues as ({issues})
            select id || '-f' as id, id as issue_id, 'first_seen' as type,
                first_seen as date_created, null as actor_key, null as assignee_type,
                null as assignee_key, 'load-0' as _dlt_load_id
            from issues
            union all
            select id || '-a' || n, id, 'assigned',
                first_seen + (closed_at - first_seen) * ((n + 1) / 4.0), 'p1', 'user',
                'k' || cast(floor(u(i, 12 - n) * 40) as bigint), 'load-0'
            from issues cross join range(2) as turns(n) where is_touched
            union all
            select id || '-c', id, if(fate < 0.6, 'set_resolved', 'set_ignored'), closed_at, 'p1',
                null, null, 'load-0'
            from issues where is_touched and fate <= 0.8 and closed_at <= {AS_OF}
            union all
            select id || '-n' || n, id, 'note', first_seen + to_hours(n), 'p1', null, null, 'load-0'
            from issues cross join range(3) as notes(n) where is_touched
        """,
        "issue_release_volume": f"""
            with issues as ({issues})
            select distinct
                cast(greatest(first_seen, {AS_OF} - interval '89 days')
                    + to_days(cast(floor(n * 3 * u(i, 20 + n)) as int)) as date) as date,
                cast(project as varchar) as project_id, id as issue_id,
                'v' || (project + {size.projects} * (n % 3)) as release, 3 as count,
                'load-0' as _dlt_load_id
            from issues
            cross join range({2 * size.days_of_events}) as days(n)
            where greatest(first_seen, {AS_OF} - interval '89 days')
                + to_days(cast(floor(n * 3 * u(i, 20 + n)) as int)) < {AS_OF}
        """,
        "project_error_volume": f"""
            select cast(p as varchar) as project_id,
                date_trunc('hour', {AS_OF}) - to_hours(h) as hour, outcome,
                cast(1 + floor(u(p, h) * 50) as bigint) as quantity, 'load-0' as _dlt_load_id
            from range({size.projects}) as projects(p)
            cross join range({24 * (RETENTION_DAYS - 1)}) as hours(h)
            cross join unnest(['accepted', 'filtered', 'rate_limited']) as outcomes(outcome)
        """,
        "load_runs": _load_run(0),
    }

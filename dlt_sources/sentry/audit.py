"""What a comparison of states cannot show: a rolling re-reading, and counts to compare with.

What was done and undone between two sweeps leaves no trace in an issue's state, and Sentry's search
can answer with less than there is without saying so. So every load reads some histories again, the
longest unread first, and once a day the issues are counted against Sentry's own count.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from dlt_sources.sentry import endpoints
from dlt_sources.sentry.allowlist import IssueTimeSeries
from dlt_sources.sentry.changes import batch_of
from dlt_sources.sentry.client import Params
from dlt_sources.sentry.context import RETENTION, Load, day_start, iso
from dlt_sources.sentry.errors import AccessDenied
from dlt_sources.sentry.known import is_hot
from dlt_sources.sentry.search import Search, search
from dlt_sources.sentry.server import NEW_ISSUES
from dlt_sources.sentry.slices import Slice
from dlt_sources.sentry.watermarks import Reconciliation, is_due

COLD_SHARE = 5
"""One in so many audited issues is one that was closed long ago."""

NEW, RESOLVED = NEW_ISSUES, "count(resolved_issues)"

SEARCHED_AGAIN = 20
"""Days of projects, with fewer issues than Sentry counts, that a reconciliation searches again."""

Counts = Counter[tuple[str, datetime]]
"""Issues by project and midnight of a day."""


def add_audit(load: Load, part: Slice) -> None:
    """Read the histories again that were not read for longest; never read ones come first.

    Before them come those of which a load that was cut off wrote parts. While history is read for
    the first time there is nothing to read again.
    """
    cut_off = sorted(load.issues.cut_off_histories - load.histories)
    part.add_histories(cut_off)
    if load.watermarks.backfills or not load.budget.audit:
        return
    chosen = _longest_unread(load)
    found = part.add_histories(chosen)
    load.counts["histories_audited"] += len(chosen)
    load.counts["audit_findings"] += found


def _longest_unread(load: Load) -> list[str]:
    """Return ids of issues, four in five of them open or recent as long as there are such."""
    issues = load.issues.present(load.readable_project_ids)
    is_going = pc.or_(
        pc.starts_with(issues["status"], "pending"), pc.starts_with(issues["status"], "deletion")
    )
    kept = issues.filter(pc.and_(pc.is_null(issues["tombstone"]), pc.invert(is_going)))
    hot = is_hot(kept, load.as_of)
    budget = load.budget.audit
    queues = [
        load.issues.longest_unread(kept.filter(chosen), budget, load.histories)
        for chosen in (hot, pc.invert(hot))
    ]
    return _shared_out(budget, *queues)


def _shared_out(budget: int, hot: list[str], cold: list[str]) -> list[str]:
    """Return the heads of two queues; what one does not need the other gets."""
    for_cold = min(len(cold), max(budget // COLD_SHARE, budget - len(hot)))
    return [*hot[: budget - for_cold], *cold[:for_cold]]


def reconciled(load: Load) -> Iterator[Slice]:
    """Yield what is found where Sentry counts other issues than the warehouse holds.

    Issues are counted by project and day: by when they were first seen, and by when they were
    resolved. Of days with too few, the issues are searched for again; where resolutions differ,
    their histories are read again. Done once a day, when no history is waiting, and only where the
    server counts issues.

    There are days on which the two never agree: each history is read again once for its day, and
    what differs then is a warning.
    """
    marks = load.watermarks
    is_time = is_due(marks.compared_at, load.as_of)
    if marks.backfills or not marks.server.counts_issues or not is_time:
        return
    marks.compared_at = load.as_of
    with load.optional("issues-timeseries"):
        theirs_new, theirs_resolved = _their_counts(load)
        part = Slice(load)
        ours_new, ours_resolved = _our_new(load), _our_resolved(load)
        _search_again(load, part, theirs_new, ours_new)
        unread = _unread_since_disputed(load, theirs_resolved, ours_resolved)
        load.counts["histories_audited"] += len(unread)
        load.counts["audit_findings"] += part.add_histories(unread)
        _remember(load, part, theirs_new, ours_new)
        yield part


def _remember(load: Load, part: Slice, theirs: Counts, ours: Counts) -> None:
    """Keep the comparison for the coverage, and warn of issues that nothing finds."""
    found = sum(table.num_rows for table in part.tables.get("issues", []))
    comparison = Reconciliation(load.as_of, theirs.total(), ours.total() + found)
    load.watermarks.reconciled = comparison
    if comparison.expected > comparison.actual:
        load.warnings["issues: Sentry counts more than its search finds"] += (
            comparison.expected - comparison.actual
        )


def _their_counts(load: Load) -> tuple[Counts, Counts]:
    """Return Sentry's counts of new and of resolved issues."""
    new: Counts = Counter()
    resolved: Counts = Counter()
    projects = load.readable_project_ids
    read = load.workers.in_order(lambda one: _series(load, one), projects)
    for project_id, body in zip(projects, read, strict=True):
        for series in body.time_series if body else []:
            counts = new if series.y_axis == NEW else resolved
            for bucket in series.values:
                day = datetime.fromtimestamp(bucket.timestamp / 1000, tz=UTC)
                if bucket.value and day < _compared_until(load):
                    counts[project_id, day] += int(bucket.value)
    return new, resolved


def _series(load: Load, project_id: str) -> IssueTimeSeries | None:
    """Return a project's series; None where it went out of reach since it was listed."""
    params: Params = {
        "project": project_id,
        "yAxis": [NEW, RESOLVED],
        "interval": "1d",
        "start": iso(load.first_day),
        "end": iso(_compared_until(load)),
    }
    try:
        return load.client.get(endpoints.ISSUE_COUNTS, IssueTimeSeries, params)
    except AccessDenied:
        load.lose(f"project {project_id}", "access_lost")
        return None


def _our_new(load: Load) -> Counts:
    rows = load.known.query(f"""
        select project_id, cast(floor(epoch(first_seen) / 86400) as bigint), count(*)
        from {{issues}}
        where tombstone is null and status not like 'pending%%'
            and epoch(first_seen) >= {load.first_day.timestamp()}
            and epoch(first_seen) < {_compared_until(load).timestamp()}
        group by 1, 2
    """)  # noqa: S608 - our own names and numbers only
    return Counter({(str(project), _day(day)): int(str(count)) for project, day, count in rows})


def _our_resolved(load: Load) -> dict[tuple[str, datetime], list[str]]:
    """Return the resolved issues by project and the day of their last resolution."""
    rows = load.known.query(f"""
        select project_id, cast(floor(epoch(resolved_at) / 86400) as bigint), id
        from (
            select issues.project_id, issues.id, max(activities.date_created) as resolved_at
            from {{issues}} as issues
            inner join {{issue_activities}} as activities on issues.id = activities.issue_id
            where issues.tombstone is null and issues.status = 'resolved'
                and activities.type like 'set_resolved%%'
            group by 1, 2
        )
        where epoch(resolved_at) >= {load.first_day.timestamp()}
            and epoch(resolved_at) < {_compared_until(load).timestamp()}
    """)  # noqa: S608 - our own names and numbers only
    found: dict[tuple[str, datetime], list[str]] = {}
    for project, day, issue_id in rows:
        found.setdefault((str(project), _day(day)), []).append(str(issue_id))
    return found


def _unread_since_disputed(
    load: Load, theirs: Counts, ours: dict[tuple[str, datetime], list[str]]
) -> list[str]:
    """Return issues whose histories may tell why resolutions differ, as many as the budget has.

    Of each day that differs: those not read since the first comparison that showed it.
    """
    marks = load.watermarks
    differing = {
        key: ours.get(key, [])
        for key in theirs.keys() | ours.keys()
        if theirs[key] != len(ours.get(key, []))
    }
    since = {key: marks.disputed.get(_name(key), load.as_of) for key in differing}
    marks.disputed = {_name(key): moment for key, moment in since.items()}
    issues = load.issues.present(load.readable_project_ids)
    issues = issues.filter(_is_among(issues, {one for ids in differing.values() for one in ids}))
    read_at = dict(zip(issues["id"].to_pylist(), issues["read_at"].to_pylist(), strict=True))
    unread: set[str] = set()
    for key, ids in differing.items():
        left = {one for one in set(ids) - load.histories if not _is_read(read_at, one, since[key])}
        if not left:
            load.warnings["issues: Sentry counts other resolutions on a day"] += 1
        unread |= left
    return load.issues.longest_unread(
        issues.filter(_is_among(issues, unread)), load.budget.audit, load.histories
    )


def _name(key: tuple[str, datetime]) -> str:
    project_id, day = key
    return f"{project_id} {day.date().isoformat()}"


def _is_read(read_at: dict[str, datetime | None], issue_id: str, since: datetime) -> bool:
    """Tell whether an issue's history was read since; one that cannot be read counts as read."""
    moment = read_at.get(issue_id, since)
    return moment is not None and moment >= since


def _is_among(issues: pa.Table, ids: set[str]) -> pa.ChunkedArray:
    return pc.is_in(issues["id"], pa.array(ids, pa.string()))


def _search_again(load: Load, part: Slice, theirs: Counts, ours: Counts) -> None:
    """Search for the issues first seen on days of which some are missing, some days each time.

    Which ones moves on from day to day, as there may be days that nothing completes.
    """
    short = sorted(day for day, count in theirs.items() if count > ours[day])
    start = load.as_of.toordinal() * SEARCHED_AGAIN % max(len(short), 1)
    for project_id, day in [*short[start:], *short[:start]][:SEARCHED_AGAIN]:
        wanted = Search(
            project_id, load.as_of - RETENTION, load.search_end, day, day + timedelta(days=1)
        )
        for page in search(load, wanted):
            part.add_issues(batch_of(load, page))


def _compared_until(load: Load) -> datetime:
    """Return the end of the last whole day: of a running one the two counts would differ."""
    return day_start(load.search_end)


def _day(number: object) -> datetime:
    """Return midnight of a day, given as days since 1970."""
    return datetime.fromtimestamp(int(str(number)) * 86400, tz=UTC)

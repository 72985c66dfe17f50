"""How many errors: by project, hour and outcome, and by day, issue and release."""

from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

from dlt_sources.sentry import endpoints
from dlt_sources.sentry.allowlist import IssueReleaseCounts, OutcomeStats
from dlt_sources.sentry.client import Params
from dlt_sources.sentry.context import NARROWEST, Load, day_start, iso
from dlt_sources.sentry.errors import (
    AccessDenied,
    MultipleProjectsRefused,
    OutsideRetention,
    QueryTimedOut,
    UnexpectedResponse,
)
from dlt_sources.sentry.known import Key, changed, known_rows
from dlt_sources.sentry.parallel import chunks
from dlt_sources.sentry.rows import error_volume_rows, issue_release_volume_row
from dlt_sources.sentry.search import ALL_PROJECTS
from dlt_sources.sentry.slices import Slice
from dlt_sources.sentry.tables import ProjectErrorVolumeRow
from dlt_sources.sentry.watermarks import midnight

LATE = timedelta(hours=48)
"""Counts may still grow for so long, so they are read again."""

CHUNK = timedelta(days=40)
"""Hours asked for at once: Sentry refuses more than 1,000 points (`snuba/sessions_v2.py`)."""

DAY = timedelta(days=1)
DAYS_AT_ONCE = 7
"""Days of volumes that are read before the slice may end."""

PAGE = 100

Counts = Counter[tuple[int, int, str]]
"""Events by project, issue and release."""


def add_error_volume(load: Load, part: Slice, starts: dict[str, datetime] | None = None) -> None:
    """Add the hourly counts that are new or changed, and note the days they belong to.

    Args:
        load: The load.
        part: Where to add them.
        starts: First hour to read, by project; where counts may have grown unless given.
    """
    if starts is None:
        read_until = load.watermarks.volumes_read_until
        starts = {
            project_id: _volume_start(load, read_until.get(project_id))
            for project_id in load.readable_project_ids
        }
    oldest = min(starts.values(), default=load.as_of)
    known = known_rows(
        load.known,
        "project_error_volume",
        ProjectErrorVolumeRow,
        f"hour >= '{oldest.isoformat()}'",
    )
    read = load.workers.in_order(
        lambda project_id: _hours(load, project_id, starts[project_id], known),
        starts,
    )
    latest = max(load.watermarks.volumes_read_until.values(), default=None)
    for project_id, rows in zip(starts, read, strict=True):
        if isinstance(rows, str):
            load.lose(f"project {project_id}", rows)
            continue
        own = load.watermarks.volumes_read_until.get(project_id)
        if own is not None and latest is not None and own < latest:
            # It was out of reach: days that became final meanwhile were read without it.
            load.watermarks.days_changed.update(_days_between(own - LATE, load.as_of))
        kept = changed("project_error_volume", rows, known, load.checks.settle)
        load.watermarks.days_changed.update(
            row.hour.astimezone(UTC).date() for row in kept if row.outcome == "accepted"
        )
        part.add("project_error_volume", kept)
        load.watermarks.volumes_read_until[project_id] = load.as_of


def _days_between(start: datetime, end: datetime) -> Iterator[date]:
    day = start.astimezone(UTC).date()
    while day <= end.astimezone(UTC).date():
        yield day
        day += DAY


def _volume_start(load: Load, read_until: datetime | None) -> datetime:
    """Return a project's first hour to read: where counts may have grown since it last was."""
    if read_until is None:
        return load.first_day
    return max(day_start(read_until - LATE), load.first_day)


def _hours(
    load: Load, project_id: str, start: datetime, known: dict[Key, ProjectErrorVolumeRow]
) -> list[ProjectErrorVolumeRow] | str:
    """Return a project's hourly counts; an hour without errors only if it was known to have some.

    Our word for why, if the project went out of reach since it was listed, or its counts cannot be
    read: the next load reads them from where this one began.
    """
    rows: list[ProjectErrorVolumeRow] = []
    try:
        while start < load.as_of:
            end = min(start + CHUNK, load.as_of)
            rows += [
                row
                for row in _read_hours(load, project_id, start, end)
                if row.quantity or (row.project_id, row.hour, row.outcome) in known
            ]
            start = end
    except AccessDenied:
        if load.is_first:
            raise
        return "access_lost"
    except UnexpectedResponse:
        return "unreadable"
    return rows


def _read_hours(
    load: Load, project_id: str, start: datetime, end: datetime
) -> Iterator[ProjectErrorVolumeRow]:
    """Yield the hourly counts of a window, halved where it is too much for Sentry."""
    width = end - start
    if not load.is_too_wide("stats_v2", width):
        try:
            stats = load.client.get(endpoints.OUTCOMES, OutcomeStats, hours(project_id, start, end))
        except OutsideRetention:
            return
        except QueryTimedOut:
            if width < 2 * NARROWEST:
                raise
            load.note_too_wide("stats_v2", width)
        else:
            yield from _by_outcome(load, error_volume_rows(project_id, stats))
            return
    middle = (start + width / 2).replace(minute=0, second=0, microsecond=0)
    yield from _read_hours(load, project_id, start, middle)
    yield from _read_hours(load, project_id, middle, end)


def hours(project_id: str, start: datetime, end: datetime) -> Params:
    """Return what to ask for a project's errors by hour and outcome."""
    return {
        "project": project_id,
        "field": "sum(quantity)",
        "groupBy": "outcome",
        "category": "error",
        "interval": "1h",
        "start": iso(start),
        "end": iso(end),
    }


def _by_outcome(
    load: Load, rows: Iterable[ProjectErrorVolumeRow]
) -> Iterable[ProjectErrorVolumeRow]:
    """Return the rows of one answer; outcomes that are not on Sentry's list count together."""
    found: dict[tuple[datetime, str], ProjectErrorVolumeRow] = {}
    for row in rows:
        load.checks.settle(row)
        if (same := found.get((row.hour, row.outcome))) is None:
            found[row.hour, row.outcome] = row
        else:
            same.quantity += row.quantity
    return found.values()


def add_changed_days(load: Load, part: Slice, *, is_daily: bool) -> Generator[Slice, None, Slice]:
    """Add the daily volumes that changed, newest day first, and those that became final.

    Between the daily passes only as many as the budget has pages for: a day of a large organization
    waits for the next pass.

    Yields:
        Slices that are full.

    Returns:
        The slice that is not.
    """
    marks = load.watermarks
    final_until = (load.as_of - LATE).astimezone(UTC).date()
    days = {day for day in marks.days_changed if midnight(day) >= load.first_day}
    days |= _days_to_finalise(load, final_until)
    days -= {day for day in days if any(one.awaits(day) for one in marks.backfills)}
    newest_first = sorted(days, reverse=True)
    chosen = newest_first if is_daily else _within_budget(load, newest_first)
    # Kept until they are read: a load that is cut off, or refused, leaves the rest to the next.
    marks.days_changed, marks.days_final_until = days, final_until
    with load.tolerating("issue_release_volume"):
        for some in chunks(chosen, DAYS_AT_ONCE):
            add_days(load, part, some)
            marks.days_changed.difference_update(some)
            if part.is_full:
                yield part
                part = Slice(load)
    return part


def _within_budget(load: Load, days: Sequence[date]) -> list[date]:
    """Return the days that the budget has pages for, going by what they had when read last."""
    left, chosen = load.budget.day_pages, []
    for day in days:
        pages = _known_pages(load, day)
        if pages <= left:
            left -= pages
            chosen.append(day)
    return chosen


def _days_to_finalise(load: Load, final_until: date) -> set[date]:
    """Return the days that became final since the last load."""
    first = load.watermarks.days_final_until or final_until
    days = {first + timedelta(days=n) for n in range(max((final_until - first).days, 0))}
    return {day for day in days if load.first_day.date() <= day}


def _known_pages(load: Load, day: date) -> int:
    """Return how many pages a day had when it was read last; one is the least."""
    query = f"select count(*) from {{issue_release_volume}} where date = '{day.isoformat()}'"  # noqa: S608
    [(rows,)] = load.known.query(query) or [(0,)]
    return int(str(rows)) // PAGE + 1


def add_days(load: Load, part: Slice, days: Sequence[date]) -> None:
    """Add the events of UTC days by project, issue and release."""
    read = load.workers.in_order(lambda day: _read_day(load, day), days)
    for day, counts in zip(days, read, strict=True):
        rows = (
            load.checks.settle(issue_release_volume_row(day, *key, count))
            for key, count in counts.items()
        )
        part.add("issue_release_volume", rows)


def _read_day(load: Load, day: date) -> Counts:
    """Return the events of a day; none of one that has not begun or is not retained."""
    start = midnight(day)
    end = min(start + DAY, load.as_of)
    if start >= end:
        return Counter()
    try:
        return _counts(load, ALL_PROJECTS, start, end)
    except OutsideRetention:
        return Counter()


def _counts(load: Load, project: str | int, start: datetime, end: datetime) -> Counts:
    """Return the events of a window; project by project, or half by half, where need be."""
    if project == ALL_PROJECTS and not load.watermarks.server.spans_projects:
        return _sum(_counts_of(load, one, start, end) for one in load.readable_project_ids)
    try:
        return _read_counts(load, project, start, end)
    except MultipleProjectsRefused:
        load.watermarks.server.spans_projects = False
        return _counts(load, project, start, end)
    except QueryTimedOut:
        if project == ALL_PROJECTS and len(load.readable_project_ids) > 1:
            return _sum(_counts_of(load, one, start, end) for one in load.readable_project_ids)
        if end - start < 2 * NARROWEST:
            raise
        middle = (start + (end - start) / 2).replace(microsecond=0)
        return _sum(_counts(load, project, *half) for half in ((start, middle), (middle, end)))


def _counts_of(load: Load, project_id: str, start: datetime, end: datetime) -> Counts:
    """Return one project's events; none if it went out of reach since it was listed."""
    try:
        return _counts(load, project_id, start, end)
    except AccessDenied:
        if load.is_first:
            raise
        load.lose(f"project {project_id}", "access_lost")
        return Counter()


def _sum(parts: Iterable[Counts]) -> Counts:
    total: Counts = Counter()
    for part in parts:
        total.update(part)
    return total


def _read_counts(load: Load, project: str | int, start: datetime, end: datetime) -> Counts:
    """Return the events of a window by project, issue and release.

    Always with an aggregate: without one, Sentry adds columns that identify single events
    (`api/endpoints/organization_events.py`). A page may come twice while events arrive: the last
    count of a key counts.
    """
    params: Params = {
        "dataset": "errors",
        "project": project,
        "field": ["issue.id", "project.id", "release", "count()"],
        "sort": ["issue.id", "release"],
        "per_page": PAGE,
        "start": iso(start),
        "end": iso(end),
    }
    counts: Counts = Counter()
    for page in load.client.pages(endpoints.EVENT_COUNTS, IssueReleaseCounts, params):
        for one in page.data:
            counts[one.project_id, one.issue_id, one.release or ""] = one.count
    return counts

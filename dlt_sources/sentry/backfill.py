"""History, read newest first and slice by slice, so that the first marts need not wait for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import chain, pairwise
from math import ceil

from dlt_sources.sentry.allowlist import Issue, Lifetime
from dlt_sources.sentry.changes import Batch, batch_of
from dlt_sources.sentry.context import RETENTION, Load, day_start
from dlt_sources.sentry.errors import AccessDenied, OutOfRetention
from dlt_sources.sentry.history import explained
from dlt_sources.sentry.parallel import chunks
from dlt_sources.sentry.resources.volumes import DAY, LATE, add_days, add_error_volume
from dlt_sources.sentry.search import ALL_PROJECTS, BEGINNING, PREFILTERED, Search, search
from dlt_sources.sentry.slices import Slice
from dlt_sources.sentry.watermarks import Backfill, midnight

WIDTH = timedelta(days=7)
"""Width of a window of issues by when they were first seen."""

OLDER = tuple(timedelta(days=days) for days in (90, 180, 365, 730))
"""How long before the searched events the windows of older issues begin; one more has no
beginning. There are few of them: most issues do not last so long."""

REACH = PREFILTERED * 7 // 10
"""Issues that a search should find. Each search ends with a page that is not full, so there should
be few; but one with more than `PREFILTERED` is done in halves."""

STEP = 100
"""Issues whose rows and histories are gathered at once."""


@dataclass(frozen=True, slots=True)
class Window:
    """A window of a backfill.

    Attributes:
        upper, lower: Its edges, the newer one first.
    """

    upper: datetime
    lower: datetime


@dataclass(frozen=True, slots=True)
class Reach:
    """Windows next to each other that are searched at once.

    Attributes:
        windows: The newest one first.
        searches: What finds their issues.
    """

    windows: list[Window]
    searches: list[Search]


def schedule(load: Load, first: date | None = None, last: date | None = None) -> None:
    """Let history be read that no load has read, or what a person asks for.

    That is the history of new projects, and of those that were hidden when it was their turn.

    Args:
        load: The load.
        first: First day to read again, if a person asks for any.
        last: Last one, included.

    Raises:
        OutOfRetention: Sentry keeps no events of these days.
    """
    marks = load.watermarks
    new = [
        one
        for one in load.readable_project_ids
        if one not in marks.searched_until or one in marks.unread
    ]
    marks.unread.difference_update(new)
    if new:
        projects = new if marks.searched_until else []
        began = Backfill(load.as_of - RETENTION, load.search_end, projects)
        marks.backfills.append(began)
        for project_id in new:
            marks.searched_until.setdefault(project_id, load.search_end)
    if marks.days_final_until is None:
        marks.days_final_until = (load.as_of - LATE).astimezone(UTC).date()
    if first is not None or last is not None:
        asked = _asked_for(load, first, last)
        # A load that is repeated asks again: what is done already stays done.
        if not any(one.is_same(asked) for one in marks.backfills):
            marks.backfills.insert(0, asked)
        marks.releases_read_at = None


def _asked_for(load: Load, first: date | None, last: date | None) -> Backfill:
    start = load.first_day if first is None else max(midnight(first), load.first_day)
    end = load.search_end if last is None else min(midnight(last) + DAY, load.search_end)
    if start >= end:
        raise OutOfRetention(
            f"Sentry keeps the events of {RETENTION.days} days: choose days from "
            f"{load.first_day.date()} to {load.search_end.date()}, the first one first."
        )
    return Backfill(start, end, again=True, asked_at=load.as_of, asked_for=(first, last))


def backfilled(load: Load, part: Slice | None = None) -> Iterator[Slice]:
    """Yield slices of history until all is read or the load has no more time.

    What is read of a window stays read when the load ends in its midst: the next one lists its
    issues again, and reads the histories of those that it does not know.

    Args:
        load: The load.
        part: A slice to begin with, if there is one already.
    """
    while load.watermarks.backfills and load.has_time:
        backfill, part = load.watermarks.backfills[0], part or Slice(load)
        if backfill.again:
            add_error_volume(load, part, dict.fromkeys(load.readable_project_ids, backfill.start))
            yield part
            part = Slice(load)
        yield from _slices(load, backfill, part)
        part = None


def _slices(load: Load, backfill: Backfill, part: Slice) -> Iterator[Slice]:
    reaches = list(_reaches(load, backfill))
    windows = sum(len(reach.windows) for reach in reaches)
    read = load.workers.in_order(lambda one: _found(load, one), reaches)
    for number, (window, issues) in enumerate(chain.from_iterable(read), start=1):
        for batch, histories in explained(load, _batches(load, backfill, issues)):
            part.add_explained(batch, histories)
            if part.is_full:
                yield part
                part = Slice(load)
                if not load.has_time:
                    return
        if days := list(_days(backfill, window)):
            backfill.days_from = days[-1]
            # Of days that are refused, the pass tries again.
            load.watermarks.days_changed.update(days)
            with load.tolerating("issue_release_volume"):
                add_days(load, part, days)
                load.watermarks.days_changed.difference_update(days)
        backfill.issues_from = window.lower
        load.watermarks.unread.update(_missed(load, backfill))
        load.progress("windows of history", number, windows)
        if part.is_full or not load.has_time:
            yield part
            part = Slice(load)
            if not load.has_time:
                return
    load.watermarks.backfills.remove(backfill)
    yield part


def _batches(
    load: Load, backfill: Backfill, issues: list[Issue]
) -> Iterator[tuple[Batch, list[str]]]:
    """Yield the new and changed ones of a window's issues, and those whose history is wanted."""
    for some in chunks(issues, STEP):
        batch = batch_of(load, some, again_since=backfill.asked_at)
        yield batch, batch.explain


def _missed(load: Load, backfill: Backfill) -> set[str]:
    """Return the projects whose issues a window of a backfill should have shown, but could not."""
    wanted = backfill.projects or load.watermarks.searched_until
    return set() if backfill.again else set(wanted).difference(load.searched_project_ids)


def _found(load: Load, reach: Reach) -> list[tuple[Window, list[Issue]]]:
    """Return the issues by window; none of a project that went out of reach."""
    issues: dict[str, Issue] = {}
    for one in reach.searches:
        try:
            for page in search(load, one):
                issues |= {issue.id: issue for issue in page}
        except AccessDenied:
            if load.is_first or one.project == ALL_PROJECTS:
                raise
            load.lose(f"project {one.project}", "access_lost")
    found: dict[Window, list[Issue]] = {window: [] for window in reach.windows}
    for issue in issues.values():
        found[_window_of(issue, reach.windows)].append(issue)
    return list(found.items())


def _window_of(issue: Issue, windows: list[Window]) -> Window:
    """Return the window in which an issue was first seen; the first to be done if that is not said.

    An issue that is taken too early is none too many, but one too late could be forgotten: the next
    load does not search a window that is done.
    """
    seen = issue.lifetime.first_seen if isinstance(issue.lifetime, Lifetime) else None
    if not isinstance(seen, datetime):
        return windows[0]
    return next((one for one in windows if one.lower <= seen), windows[-1])


def _reaches(load: Load, backfill: Backfill) -> Iterator[Reach]:
    """Yield what is to be searched, newest first: windows at once where few issues are in each.

    How many there are is known if this load has checked the server, as a first load does. There are
    at least as many searches as requests may be under way.
    """
    windows = list(_windows(load, backfill))
    newer = [one for one in windows if one.upper > backfill.start]
    older = windows[len(newer) :]
    at_once = 1
    if load.hits and not backfill.again:
        weeks = RETENTION / WIDTH
        at_once = min(int(REACH * weeks / load.hits), ceil(weeks / load.client.concurrency))
    # A young organization has none that are older.
    older_at_once = max(len(older), 1) if at_once > 1 else 1
    parts = [*chunks(newer, max(at_once, 1)), *chunks(older, older_at_once)]
    projects = _projects(load, backfill)
    for some in parts:
        upper, lower = some[0].upper, some[-1].lower
        yield Reach(some, [_search(backfill, project, upper, lower) for project in projects])


def _windows(load: Load, backfill: Backfill) -> Iterator[Window]:
    """Yield the windows that are not done, newest first."""
    done_from = backfill.issues_from
    for upper, lower in pairwise(_edges(load, backfill)):
        if done_from is None or lower < done_from:
            yield Window(upper, lower)


def _projects(load: Load, backfill: Backfill) -> list[str | int]:
    if not backfill.projects:
        return [ALL_PROJECTS]
    return [one for one in backfill.projects if one in load.readable_project_ids]


def _search(backfill: Backfill, project: str | int, upper: datetime, lower: datetime) -> Search:
    """Return the search for a window: by events, or by when the issues were first seen."""
    if backfill.again:
        return Search(project, lower, upper)
    return Search(
        project,
        backfill.start,
        backfill.end,
        born_from=None if lower == BEGINNING else lower,
        born_until=upper,
    )


def _edges(load: Load, backfill: Backfill) -> list[datetime]:
    """Return the edges of the windows, newest first.

    By when issues were first seen: weeks, then longer ones; none before the projects were made.
    What a person asked for again: the days on which there were events.
    """
    width = DAY if backfill.again else WIDTH
    edges = [backfill.end]
    edge = day_start(backfill.end) + DAY - width
    while edge > backfill.start:
        if edge < backfill.end:
            edges.append(edge)
        edge -= width
    if backfill.again:
        return [*edges, backfill.start]
    older = [backfill.start, *(backfill.start - age for age in OLDER)]
    made = _made(load, backfill)
    return [backfill.end, *(e for e in [*edges[1:], *older] if e > made), BEGINNING]


def _made(load: Load, backfill: Backfill) -> datetime:
    """Return the earliest time at which an issue of the backfill's projects can begin."""
    if not backfill.projects:
        return load.organization.date_created
    made = [one.date_created for one in load.projects if one.id in backfill.projects]
    known = [one for one in made if isinstance(one, datetime)]
    return min(known, default=BEGINNING) if len(known) == len(made) else BEGINNING


def _days(backfill: Backfill, window: Window) -> Iterator[date]:
    """Yield the days of a window whose volumes are still to be read, newest first."""
    day = (window.upper - timedelta(microseconds=1)).astimezone(UTC).date()
    while midnight(day) >= max(window.lower, backfill.start):
        if backfill.awaits(day):
            yield day
        day -= DAY

"""Sentry's issue search: only issues with events in a window, all statuses, page by page."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from dlt_sources.sentry import endpoints
from dlt_sources.sentry.allowlist import Issue
from dlt_sources.sentry.client import Params
from dlt_sources.sentry.context import NARROWEST, RETENTION, Load, iso
from dlt_sources.sentry.errors import AccessDenied, MultipleProjectsRefused, QueryTimedOut

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
"""Before everything; a window from here on has no beginning."""

ALL_PROJECTS = -1
"""All projects the connecting user may see; without it Sentry takes those of their teams only."""

WITH_COUNTERS = ["filtered"]
"""Parts of an issue to leave out where its counters are wanted."""

PREFILTERED = 5_000
"""Up to so many candidates Sentry filters first and counts events then; with more, a page may end
early (`search/snuba/executors.py`: `snuba.search.max-pre-snuba-candidates`)."""


@dataclass(frozen=True, slots=True)
class Search:
    """A search for issues.

    Attributes:
        project: A project's id, or `ALL_PROJECTS`.
        start, end: The issues have events from `start` on and before `end`.
        born_from, born_until: They were first seen from one on and before the other, if given.
    """

    project: str | int
    start: datetime
    end: datetime
    born_from: datetime | None = None
    born_until: datetime | None = None

    @property
    def query(self) -> str:
        """Sentry's search query. Empty, it finds all statuses (absent, it would not)."""
        terms = []
        if self.born_from is not None:
            terms.append(f"firstSeen:>={iso(self.born_from)}")
        if self.born_until is not None:
            terms.append(f"firstSeen:<{iso(self.born_until)}")
        return " ".join(terms)

    def born_halves(self) -> "tuple[Search, Search] | None":
        """Return two searches that meet the same issues, each in one of them; newest first."""
        if self.born_until is None:
            return None
        middle = _middle(self.born_from or BEGINNING, self.born_until)
        if middle is None:
            return None
        return replace(self, born_from=middle), replace(self, born_until=middle)

    def halves(self) -> "tuple[Search, Search] | None":
        """Return two narrower searches that together find the same, or None if it is narrow.

        What costs Sentry is the span of events, so that is halved first; an issue with events in
        both halves is found twice. Then comes the span of first seen.
        """
        middle = _middle(self.start, self.end)
        if middle is not None:
            return replace(self, start=middle), replace(self, end=middle)
        return self.born_halves() if self.born_from is not None else None


def search(load: Load, wanted: Search) -> Iterator[list[Issue]]:
    """Yield pages of the issues that a search finds; an issue may come more than once.

    A query that is too much for Sentry is halved. Where several projects may not be asked for at
    once, each is asked for by itself, and from then on in all of this load.

    Raises:
        QueryTimedOut: Even the narrowest window was too much.
    """
    if wanted.project == ALL_PROJECTS and not load.watermarks.server.spans_projects:
        yield from _by_project(load, wanted)
        return
    halves = wanted.halves()
    if halves is None or not load.is_too_wide("issues", wanted.end - wanted.start):
        try:
            yield from _pages(load, wanted)
        except MultipleProjectsRefused:
            load.watermarks.server.spans_projects = False
            yield from _by_project(load, wanted)
            return
        except QueryTimedOut:
            if halves is None:
                raise
            load.note_too_wide("issues", wanted.end - wanted.start)
        else:
            return
    for half in halves or ():
        yield from search(load, half)


def _by_project(load: Load, wanted: Search) -> Iterator[list[Issue]]:
    for project_id in load.readable_project_ids:
        try:
            yield from search(load, replace(wanted, project=project_id))
        except AccessDenied:
            if load.is_first:
                raise
            load.lose(f"project {project_id}", "access_lost")


def _pages(load: Load, wanted: Search) -> Iterator[list[Issue]]:
    """Yield the pages of one query, or of its halves where it has too many candidates.

    `sort=new` orders by first seen, which does not move while pages are read, and `end` is pinned.
    """
    params: Params = {
        "project": wanted.project,
        "query": wanted.query,
        "sort": "new",
        "limit": 100,
        "groupStatsPeriod": "",
        "collapse": WITH_COUNTERS,
        "start": iso(wanted.start),
        "end": iso(wanted.end),
    }
    first = load.client.page(endpoints.ISSUES, list[Issue], params)
    if wanted.born_until is None and wanted.start <= load.as_of - RETENTION:
        load.hits = first.hits or 0
    halves = wanted.born_halves()
    if (first.hits or 0) > PREFILTERED and halves is not None:
        for half in halves:
            yield from _pages(load, half)
        return
    yield first.body
    if first.cursor is not None:
        rest: Params = {**params, "cursor": first.cursor}
        yield from load.client.pages(endpoints.ISSUES, list[Issue], rest)


def _middle(earlier: datetime, later: datetime) -> datetime | None:
    """Return the whole second in the middle, None if the two are too near."""
    if later - earlier < 2 * NARROWEST:
        return None
    return (earlier + (later - earlier) / 2).replace(microsecond=0)

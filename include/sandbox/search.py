"""The issue list: Sentry's search over events in a window, and its bulk read by id."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from include.sandbox import drift, words
from include.sandbox.calls import (
    Call,
    Reply,
    Window,
    no_environment,
    projects,
    refuse_several,
    refuse_wide,
    refuse_wide_search,
    window,
)
from include.sandbox.errors import bad_request
from include.sandbox.issue_body import SPARKLINES, counters, expansions, issue_body, sparkline
from include.sandbox.paging import MAX_PER_PAGE, Cursor, Page, by_value, link, read_cursor
from include.sandbox.query import read_query
from include.sandbox.spoil import spoil

if TYPE_CHECKING:
    from collections.abc import Sequence

    from include.sandbox.organization import Issue, Project
    from include.sandbox.query import Query
    from include.sandbox.tallies import SeenTable
    from include.sandbox.view import View

SORTS = ("date", "new")
EMPTY_PAGE = 3
"""Before this page a search returns an empty one that still says there is more."""
MAX_HITS = 1000
HITS_BIAS = 0.96
"""What Sentry's sample of a hundred groups makes of the true number, here always the same."""
ONE_PROJECT = "You do not have the multi project stream feature enabled"
"""Sentry's refusal without `global-views` (organization_group_index.py)."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Which parts of an issue a request wants."""

    collapse: frozenset[str]
    expand: frozenset[str]
    period: str


def issues(view: View, call: Call) -> Reply:
    """`GET organizations/{org}/issues/`: a search, or with `group` a bulk read by id."""
    chosen = projects(view, call)
    refuse_several(view, chosen, ONE_PROJECT)
    if not call.many("group") or view.behaviours.group_parameter == "ignored":
        return _search(view, call, chosen)
    if view.behaviours.group_parameter == "refused":
        raise bad_request("Invalid parameter: group")
    return _bulk(view, call, chosen)


def _search(view: View, call: Call, chosen: Sequence[Project]) -> Reply:
    """Issues with an event in the window, by Sentry's search/snuba/executors.py.

    Merged, deleted and pending ones are not found, feedback is hidden. The window is cut to the
    retention before now. A page may be empty although the Link says there is more.
    """
    no_environment(call)
    query, asked = read_query(call.one("query")), window(view, call)
    refuse_wide_search(view, asked)
    refuse_wide(view, *query.span(asked.start.timestamp(), asked.end.timestamp()))
    span = _clamped(view, asked)
    found = _found(view, call, span, query, chosen)
    page = _page(view, call, [value for value, _ in found])
    headers = {
        "Link": link(call, page),
        "X-Hits": str(_hits_estimate(len(found), _limit(call))),
        "X-Max-Hits": str(MAX_HITS),
    }
    shape, table = _shape(call), view.seen(span.start, span.end)
    rows = [
        _row(view, view.organization.issues[position], shape, table)
        for _, position in found[page.low : page.high]
    ]
    return Reply(spoiled(view, rows), headers)


def _clamped(view: View, span: Window) -> Window:
    start = max(span.start, view.now - timedelta(days=view.behaviours.retention_days))
    return Window(start, max(span.end, start), span.is_explicit)


def _found(
    view: View, call: Call, span: Window, query: Query, chosen: Sequence[Project]
) -> Sequence[tuple[int, int]]:
    """Return sort value (milliseconds) and position of every hit, falling."""
    sort = call.one("sort") or "date"
    if sort not in SORTS:
        raise bad_request(f"This sandbox cannot sort by {sort!r}.")
    wanted = frozenset(project.id for project in chosen)
    key = ("found", span.start, span.end, wanted, query, sort)
    return view.keep(key, lambda: _hits(view, span, wanted, query, sort=sort))


def _hits(
    view: View, span: Window, wanted: frozenset[str], query: Query, *, sort: str
) -> Sequence[tuple[int, int]]:
    table, births = view.seen(span.start, span.end), view.lifetime().first
    values = table.last if sort == "date" else table.first
    hits = []
    for position in np.flatnonzero(table.count).tolist():
        issue = view.organization.issues[position]
        if issue.project_id not in wanted or not _is_searched(view, issue):
            continue
        if query.ids is not None and issue.id not in query.ids:
            continue
        state = view.state(issue)
        is_hit = state.existence == "present" and query.has_status(state.status)
        if is_hit and query.is_born_in_time(int(births[position])):
            hits.append((int(values[position]) * 1000, position))
    return sorted(hits, reverse=True)


def _is_searched(view: View, issue: Issue) -> bool:
    """Return whether the search looks at the issue's category."""
    if view.behaviours.degraded_search:
        return issue.category == "error"
    return issue.category != "feedback"


def _limit(call: Call) -> int:
    """The issue list pages by `limit`; more than 100 is quietly cut."""
    text = call.one("limit")
    if not text:
        return MAX_PER_PAGE
    if not text.isdigit():
        raise bad_request("Invalid limit parameter.")
    return min(max(1, int(text)), MAX_PER_PAGE)


def _page(view: View, call: Call, values: Sequence[int]) -> Page:
    """Return the page, leading once in a long search over an empty one.

    Clients must go on until `results` says that nothing follows. The cursor of the empty page
    lies a millisecond beside the next row's: events have whole seconds.
    """
    cursor, limit = read_cursor(call), _limit(call)
    if cursor is not None and cursor.value % 1000 == 1 and not cursor.is_prev:
        return by_value(values, cursor, 0)
    page = by_value(values, cursor, limit)
    is_back = cursor is not None and cursor.is_prev
    if view.behaviours.short_pages and page.has_following and not is_back:
        page = by_value(values, cursor, _short(page.low, limit))
    following, middle = page.following, (EMPTY_PAGE - 1) * limit
    is_middle = page.has_following and page.low < middle <= page.high
    if not view.behaviours.empty_page or not is_middle or following.offset:
        return page
    return page._replace(following=Cursor(following.value + 1, 0, is_prev=False))


def _short(low: int, limit: int) -> int:
    """Return the size of the page that begins at a row: two thirds of what it could be, or all."""
    return max(1, limit * 2 // 3) if low % 3 != 1 else limit


def _hits_estimate(found: int, size: int) -> int:
    """Return X-Hits: exact for a single page, an estimate beyond (executors.calculate_hits)."""
    return found if found <= size else max(size, round(found * HITS_BIAS))


def _bulk(view: View, call: Call, chosen: Sequence[Project]) -> Reply:
    """Read issues by id from Sentry's own tables (organization_group_index.py).

    No window, no order, no Link. Pending ones are there; merged, deleted, unknown ones are not.
    """
    ids = call.many("group")
    if not all(text.isdigit() for text in ids):
        raise bad_request("Group ids must be integers")
    wanted = {project.id for project in chosen}
    shape, table = _shape(call), view.lifetime()
    found = [
        issue
        for issue in map(view.find, dict.fromkeys(ids))
        if issue is not None
        and issue.project_id in wanted
        and view.state(issue).existence in {"present", "pending"}
    ]
    # A multiplier scatters the ids: the same request has the same order, but none one can use.
    found.sort(key=lambda issue: int(issue.id) * 2654435761 % 4294967296)
    return Reply(spoiled(view, [_row(view, issue, shape, table) for issue in found]))


def spoiled(view: View, rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """Return issues with the drift and the unknown words that are switched on."""
    if view.behaviours.unknown_words:
        spoil(rows, words.ISSUE)
    if view.behaviours.drift:
        spoil(rows, drift.ISSUE)
    return rows


def _shape(call: Call) -> Shape:
    period = call.one("groupStatsPeriod")
    period = "24h" if period is None else period
    if period and period not in SPARKLINES:
        raise bad_request("Invalid groupStatsPeriod parameter.")
    return Shape(frozenset(call.many("collapse")), frozenset(call.many("expand")), period)


def _row(view: View, issue: Issue, shape: Shape, table: SeenTable) -> dict[str, object]:
    """Serialize an issue for a list, without what the request collapses."""
    body: dict[str, object] = {"id": issue.id}
    if "base" not in shape.collapse:
        body = issue_body(view, issue, view.state(issue))
        body |= {"matchingEventId": None, "matchingEventEnvironment": None}
    if "unhandled" not in shape.collapse:
        body["isUnhandled"] = issue.is_unhandled
    if "stats" not in shape.collapse:
        body |= _statistics(view, issue, shape, table)
    return body | expansions(issue, shape.expand, view.now)


def _statistics(view: View, issue: Issue, shape: Shape, table: SeenTable) -> dict[str, object]:
    """Counters of the window; `collapse=lifetime` takes the top-level ones with it."""
    position = view.positions[issue.id]
    body: dict[str, object] = {}
    if "lifetime" not in shape.collapse:
        body |= counters(table, position)
        body["lifetime"] = counters(view.lifetime(), position) | {"stats": None}
    if "filtered" not in shape.collapse:
        body["filtered"] = None
    if shape.period:
        body["stats"] = {shape.period: sparkline(view, issue, shape.period)}
    return body

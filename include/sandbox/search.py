"""The issue list: Sentry's search over events in a window, and its bulk read by id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from include.sandbox.calls import (
    DEFAULT_WINDOW,
    Call,
    Reply,
    Window,
    no_environment,
    projects,
    window,
)
from include.sandbox.errors import bad_request
from include.sandbox.issue_body import SPARKLINES, counters, expansions, issue_body, sparkline
from include.sandbox.paging import MAX_PER_PAGE, Cursor, Page, by_value, link, read_cursor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from include.sandbox.organization import Issue
    from include.sandbox.tallies import SeenTable
    from include.sandbox.view import View

STATUS_QUERIES = {
    "": None,
    "is:unresolved": "unresolved",
    "is:resolved": "resolved",
    "is:archived": "ignored",
    "is:ignored": "ignored",
}
SORTS = ("date", "new")
EMPTY_PAGE = 3
"""Before this page a search returns an empty one that still says there is more."""
MAX_HITS = 1000
HITS_BIAS = 0.96
"""What Sentry's sample of a hundred groups makes of the true number, here always the same."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Which parts of an issue a request wants."""

    collapse: frozenset[str]
    expand: frozenset[str]
    period: str


def issues(view: View, call: Call) -> Reply:
    """`GET organizations/{org}/issues/`: a search, or with `group` a bulk read by id."""
    if call.many("group"):
        return _bulk(view, call)
    return _search(view, call)


def _search(view: View, call: Call) -> Reply:
    """Issues with an event in the window, by Sentry's search/snuba/executors.py.

    Merged, deleted and pending ones are not found, feedback is hidden. The window is cut to the
    90 days before now. A page may be empty although the Link says there is more.
    """
    no_environment(call)
    span = _clamped(view, window(view, call))
    found = _found(view, call, span)
    page = _page(call, [value for value, _ in found])
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
    return Reply(rows, headers)


def _clamped(view: View, span: Window) -> Window:
    start = max(span.start, view.now - DEFAULT_WINDOW)
    return Window(start, max(span.end, start), span.is_explicit)


def _found(view: View, call: Call, span: Window) -> Sequence[tuple[int, int]]:
    """Return sort value (milliseconds) and position of every hit, falling."""
    sort = call.one("sort") or "date"
    if sort not in SORTS:
        raise bad_request(f"This sandbox cannot sort by {sort!r}.")
    query = call.one("query")
    query = "is:unresolved" if query is None else query.strip()
    if query not in STATUS_QUERIES:
        raise bad_request(f"Error parsing search query: {query}")
    wanted = frozenset(project.id for project in projects(view, call))
    key = ("found", span.start, span.end, wanted, STATUS_QUERIES[query], sort)
    return view.keep(
        key, lambda: _hits(view, span, wanted, status=STATUS_QUERIES[query], sort=sort)
    )


def _hits(
    view: View, span: Window, wanted: frozenset[str], *, status: str | None, sort: str
) -> Sequence[tuple[int, int]]:
    table = view.seen(span.start, span.end)
    values = table.last if sort == "date" else table.first
    hits = []
    for position in np.flatnonzero(table.count).tolist():
        issue = view.organization.issues[position]
        if issue.project_id not in wanted or issue.category == "feedback":
            continue
        state = view.state(issue)
        if state.existence == "present" and status in {None, state.status}:
            hits.append((int(values[position]) * 1000, position))
    return sorted(hits, reverse=True)


def _limit(call: Call) -> int:
    """The issue list pages by `limit`; more than 100 is quietly cut."""
    text = call.one("limit")
    if not text:
        return MAX_PER_PAGE
    if not text.isdigit():
        raise bad_request("Invalid limit parameter.")
    return min(max(1, int(text)), MAX_PER_PAGE)


def _page(call: Call, values: Sequence[int]) -> Page:
    """Return the page, leading once in a long search over an empty one.

    Clients must go on until `results` says that nothing follows. The cursor of the empty page
    lies a millisecond beside the next row's: events have whole seconds.
    """
    cursor, size = read_cursor(call), _limit(call)
    if cursor is not None and cursor.value % 1000 == 1 and not cursor.is_prev:
        return by_value(values, cursor, 0)
    page = by_value(values, cursor, size)
    following = page.following
    if not page.has_following or page.high != (EMPTY_PAGE - 1) * size or following.offset:
        return page
    return page._replace(following=Cursor(following.value + 1, 0, is_prev=False))


def _hits_estimate(found: int, size: int) -> int:
    """Return X-Hits: exact for a single page, an estimate beyond (executors.calculate_hits)."""
    return found if found <= size else max(size, round(found * HITS_BIAS))


def _bulk(view: View, call: Call) -> Reply:
    """Read issues by id from Sentry's own tables (organization_group_index.py).

    No window, no order, no Link. Pending ones are there; merged, deleted, unknown ones are not.
    """
    ids = call.many("group")
    if not all(text.isdigit() for text in ids):
        raise bad_request("Group ids must be integers")
    wanted = {project.id for project in projects(view, call)}
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
    return Reply([_row(view, issue, shape, table) for issue in found])


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

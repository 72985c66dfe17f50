"""The two newer, private endpoints about issues over time: issues-timeseries and open-periods."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from include.sandbox import canaries
from include.sandbox.calls import Call, Reply, interval, optional_window, projects, window
from include.sandbox.errors import bad_request, not_found
from include.sandbox.issue_endpoints import present
from include.sandbox.paging import numbered
from include.sandbox.state import actions_done
from include.sandbox.times import iso, moment, optional_iso

if TYPE_CHECKING:
    from collections.abc import Iterator

    from include.sandbox.organization import Issue
    from include.sandbox.view import View

MAX_BUCKETS = 200
AXES = ("count(new_issues)", "count(resolved_issues)")
CATEGORIES = ("issue", "feedback")
"""Feedback, and everything else: `issue` is errors and performance alike."""
DEFAULT_REACH = timedelta(days=90)


def issues_timeseries(view: View, call: Call) -> Reply:
    """`GET organizations/{org}/issues-timeseries/`: issues by first seen and by resolution.

    `count(resolved_issues)` counts issues that are resolved now by when that was, whether or not
    they had an event in the span (Sentry's organization_issue_timeseries.py).
    """
    axes = call.many("yAxis")
    if not axes or any(axis not in AXES for axis in axes):
        raise bad_request("Invalid yAxis parameter.")
    category = call.one("category") or "issue"
    if category not in CATEGORIES:
        raise bad_request("Invalid issue category. Valid options are 'issue' and 'feedback'.")
    span, size = window(view, call), int(interval(call, "1d").total_seconds())
    start = int(span.start.timestamp()) // size * size
    edges = np.arange(start, span.end.timestamp() + size, size)
    if len(edges) - 1 > MAX_BUCKETS:
        raise bad_request("The specified granularity is too precise. Increase your interval.")
    wanted = {project.id for project in projects(view, call)}
    members = [
        issue
        for issue in view.organization.issues
        if issue.project_id in wanted and (issue.category == "feedback") == (category == "feedback")
    ]
    series = [_one_series(view, axis, members, edges) for axis in dict.fromkeys(axes)]
    meta = {"dataset": "issues", "start": float(edges[0] * 1000), "end": float(edges[-1] * 1000)}
    return Reply({"timeSeries": series, "meta": meta | {"futureNote": canaries.text("series")}})


def _one_series(
    view: View, axis: str, members: list[Issue], edges: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> dict[str, object]:
    moments = [at.timestamp() for at in _moments(view, axis, members)]
    counts = np.histogram(moments, edges)[0].tolist()
    now_s = view.now.timestamp()
    values = [
        {"timestamp": int(low * 1000), "value": count, "incomplete": bool(high > now_s)}
        for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
    meta = {"interval": int((edges[1] - edges[0]) * 1000), "valueType": "integer"}
    return {"yAxis": axis, "groupBy": [], "values": values, "meta": meta | {"valueUnit": None}}


def _moments(view: View, axis: str, members: list[Issue]) -> Iterator[datetime]:
    firsts = view.lifetime().first
    for issue in members:
        if issue.first_seen > view.now:
            return
        state = view.state(issue)
        if state.existence != "present":
            continue
        if axis == "count(new_issues)":
            yield moment(int(firsts[view.positions[issue.id]]))
        elif state.resolved_at is not None:
            yield state.resolved_at


def open_periods(view: View, call: Call) -> Reply:
    """`GET organizations/{org}/open-periods/?groupId=`: when the issue was open, newest first.

    Only periods that began within the span are there, by default the last 90 days: older ones
    vanish. Archiving does not close one; a manual reopening erases an end.
    """
    group_id = call.one("groupId")
    if not group_id or not group_id.isdigit():
        raise bad_request("groupId is required and must be an integer")
    issue = present(view, group_id)
    if issue.id != group_id:
        raise not_found()
    span = optional_window(view, call)
    earliest = view.now - DEFAULT_REACH if span is None else span.start
    periods = [
        _period(issue, number, start, end)
        for number, (start, end) in enumerate(_periods(view, issue))
        if start >= max(issue.first_seen, earliest)
    ]
    rows, header = numbered(call, periods[::-1])
    return Reply(rows, {"Link": header})


def _periods(view: View, issue: Issue) -> list[tuple[datetime, datetime | None]]:
    periods: list[tuple[datetime, datetime | None]] = [(issue.first_seen, None)]
    for action in issue.actions[: actions_done(issue, view.now)]:
        start, end = periods[-1]
        if action.kind.startswith("set_resolved") and end is None:
            periods[-1] = (start, action.at)
        elif action.kind == "set_unresolved":
            periods[-1] = (start, None)
        elif action.kind == "set_regression":
            periods.append((action.at, None))
    return periods


def _period(issue: Issue, number: int, start: datetime, end: datetime | None) -> dict[str, object]:
    event_id = canaries.text("event", issue.id)
    steps = [("opened", start, event_id), *([("closed", end, None)] if end is not None else [])]
    return {
        "id": f"{issue.id}{number}",
        "start": iso(start),
        "end": optional_iso(end),
        "isOpen": end is None,
        "activities": [
            {
                "id": f"{issue.id}{number}{place}",
                "type": kind,
                "value": issue.initial_priority if kind == "opened" else None,
                "dateCreated": iso(at),
                "eventId": event,
            }
            for place, (kind, at, event) in enumerate(steps)
        ],
        "futureNote": canaries.text("open-period"),
    }

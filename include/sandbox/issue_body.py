"""How Sentry serializes an issue in lists and in detail, poisoned where it must not be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from include.sandbox import canaries
from include.sandbox.times import iso, moment, optional_iso

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from include.sandbox.organization import Issue
    from include.sandbox.state import IssueState
    from include.sandbox.tallies import SeenTable
    from include.sandbox.view import View

SPARKLINES = {"24h": (24, 3600), "14d": (14, 86400), "auto": (24, 3600), "30d": (30, 86400)}
"""Periods of `stats`: how many buckets, and seconds of each."""
DRIFT_EVERY = 7
"""Every seventh issue carries undeclared fields in another shape, as Sentry did over time."""


def issue_body(view: View, issue: Issue, state: IssueState) -> dict[str, object]:
    """Return what every form of an issue carries: all but counters and expansions."""
    fixed = view.fixed.get(issue.id)
    if fixed is None:
        fixed = view.fixed[issue.id] = _fixed(view, issue)
    return fixed | {
        "status": state.status,
        "statusDetails": status_details(state),
        "substatus": state.substatus,
        "priority": state.priority,
        "priorityLockedAt": optional_iso(state.priority_locked_at),
        "numComments": state.comment_count,
        "assignedTo": _assignee(state),
        "derivedData": _derived(state),
    }


def _fixed(view: View, issue: Issue) -> dict[str, object]:
    project = view.reach.every[issue.project_id]
    return {
        "id": issue.id,
        "shareId": canaries.text("share", issue.id),
        "shortId": issue.short_id,
        "title": canaries.text("title", issue.id),
        "culprit": canaries.text("culprit", issue.id),
        "permalink": canaries.url("issues", issue.id),
        "logger": canaries.text("logger", issue.id),
        "level": issue.level,
        "isPublic": False,
        "platform": issue.platform,
        "project": {
            "id": project.id,
            "name": canaries.text("project-name", project.slug),
            "slug": project.slug,
            "platform": project.platform,
            "futureOwner": canaries.email("owner"),
        },
        "type": issue.event_type,
        "issueType": issue.issue_type,
        "issueCategory": issue.category,
        "metadata": canaries.metadata(issue.id),
        "isBookmarked": False,
        "isSubscribed": True,
        "subscriptionDetails": {"reason": canaries.text("subscription", issue.id)},
        "hasSeen": False,
        "annotations": _annotations(issue),
        "seerFixabilityScore": 0.5,
        "seerAutofixLastTriggered": None,
        "seerExplorerAutofixLastTriggered": None,
        "futureSummary": canaries.future("summary"),
    }


def drifts(issue: Issue) -> bool:
    """Return whether this issue's undeclared fields have another type than documented."""
    return int(issue.id) % DRIFT_EVERY == 0


def _annotations(issue: Issue) -> list[object]:
    if drifts(issue):
        return [canaries.text("annotation", issue.id)]
    shown = canaries.text("annotation", issue.id)
    return [{"displayName": shown, "url": canaries.url("annotation", issue.id)}]


def status_details(state: IssueState) -> dict[str, object]:
    """Return `statusDetails` with the actor and the commit Sentry puts into it."""
    details = dict(state.details)
    if "inCommit" in details:
        details["inCommit"] = canaries.commit("resolution")
    if details and state.details_actor is not None:
        details["actor"] = canaries.user(state.details_actor)
    return details


def _assignee(state: IssueState) -> dict[str, object] | None:
    if state.assignee is None:
        return None
    kind, assignee_id = state.assignee
    body = {"type": kind, "id": assignee_id, "name": canaries.text("assignee", assignee_id)}
    if kind == "user":
        body["email"] = canaries.email(assignee_id)
    return body | {"futureAvatar": canaries.avatar(assignee_id)}


def _derived(state: IssueState) -> dict[str, object]:
    is_closed = state.status == "resolved"
    progress = "assigned" if state.assignee is not None else "identified"
    return {
        "blocker": "none",
        "progress": "fix_applied" if is_closed else progress,
        "status": state.status,
        "viewCount": 3,
        "hasOpenFixPr": False,
        "isAssigned": state.assignee is not None,
        "hasRootCause": False,
        "lastCompletedAutofixStep": canaries.text("autofix-step"),
        "lastProgressedAt": iso(state.last_progressed_at),
        "futureNote": canaries.text("derived"),
    }


def counters(table: SeenTable, position: int) -> dict[str, object]:
    """Return count (a string), userCount, firstSeen, lastSeen; null times without events."""
    count = int(table.count[position])
    return {
        "count": str(count),
        "userCount": (count * 3 + 4) // 5,
        "firstSeen": iso(moment(int(table.first[position]))) if count else None,
        "lastSeen": iso(moment(int(table.last[position]))) if count else None,
    }


def sparkline(view: View, issue: Issue, period: str) -> list[list[int]]:
    """Return `[epoch seconds, events]` per bucket of the period, the running one last."""
    size, step = SPARKLINES[period]
    end = int(view.now.timestamp()) // step * step + step
    edges = np.arange(end - size * step, end + 1, step)
    members = (issue.id, *view.state(issue).absorbed)
    totals = np.zeros(size, dtype=np.int64)
    for member in members:
        events = view.organization.issues_by_id[member].occurrences
        happened = events.times <= view.now.timestamp()
        weights = events.counts[happened]
        totals += np.histogram(events.times[happened], edges, weights=weights)[0].astype(np.int64)
    return [list(pair) for pair in zip(edges[:-1].tolist(), totals.tolist(), strict=True)]


def expansions(
    issue: Issue, wanted: Collection[str], now: datetime, *, is_detail: bool = False
) -> dict[str, object]:
    """Return the keys of `expand`; `owners` is an object in lists and a list in detail.

    Where the issue drifts it is the other way round.
    """
    owner = {
        "type": "suspectCommit",
        "owner": "user:73900052",
        "date_added": iso(now),
        "futureRule": canaries.text("ownership-rule"),
    }
    linked = [
        {
            "id": "1",
            "issueId": issue.id,
            "serviceType": "tracker",
            "title": canaries.text("ticket", issue.id),
            "displayName": canaries.text("ticket", issue.id),
            "webUrl": canaries.url("ticket", issue.id),
        }
    ]
    offered: dict[str, object] = {
        "inbox": {"reason": 0, "reason_details": None, "date_added": iso(issue.first_seen)},
        "owners": [owner] if drifts(issue) != is_detail else owner,
        "integrationIssues": linked,
        "sentryAppIssues": linked,
        "pluginIssues": linked,
        "latestEventHasAttachments": False,
        "sessions": 0,
    }
    chosen = {key: value for key, value in offered.items() if key in wanted}
    if "sessions" in chosen:
        chosen["sessionCount"] = chosen.pop("sessions")
    return chosen

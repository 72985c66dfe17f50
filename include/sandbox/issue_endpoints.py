"""Endpoints about one issue: detail and activities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from include.sandbox import canaries
from include.sandbox.calls import Call, Reply
from include.sandbox.errors import forbidden, not_found
from include.sandbox.feed import feed
from include.sandbox.issue_body import counters, expansions, issue_body, sparkline
from include.sandbox.search import spoiled
from include.sandbox.shipping import release_body
from include.sandbox.state import actions_done

if TYPE_CHECKING:
    from include.sandbox.organization import Issue
    from include.sandbox.view import View


def detail(view: View, call: Call) -> Reply:
    """`GET organizations/{org}/issues/{id}/`: a merged id answers with its survivor, 200."""
    issue = present(view, call.path["issue_id"])
    collapse = set(call.many("collapse"))
    lifetime, position = view.lifetime(), view.positions[issue.id]
    body = issue_body(view, issue, view.state(issue)) | counters(lifetime, position)
    body |= {
        "isUnhandled": issue.is_unhandled,
        "activity": feed(view, issue),
        "seenBy": [canaries.user("73900063")],
        "participants": [canaries.user("73900074") | {"type": "user"}],
        "userReportCount": 0,
        "pluginActions": [],
        "pluginIssues": [],
        "pluginContexts": [canaries.text("plugin")],
    }
    if "release" not in collapse:
        body |= _releases(view, issue)
    if "tags" not in collapse:
        body["tags"] = [_tag("customer"), _tag("server_name")]
    if "stats" not in collapse:
        body["stats"] = {period: sparkline(view, issue, period) for period in ("24h", "30d")}
    wanted = set(call.many("expand"))
    body |= expansions(issue, wanted, view.now, is_detail=True)
    return Reply(spoiled(view, [body])[0])


def activities(view: View, call: Call) -> Reply:
    """`GET organizations/{org}/issues/{id}/activities/`: newest first, at most 100, no paging."""
    issue = present(view, call.path["issue_id"])
    done = actions_done(issue, view.now)
    known = view.feeds.get(issue.id)
    if known is None or known[0] != done:
        known = (done, msgspec.json.encode({"activity": feed(view, issue)}))
        view.feeds[issue.id] = known
    return Reply(known[1])


def _releases(view: View, issue: Issue) -> dict[str, object]:
    """The releases of the issue's first and last event that has one."""
    events = issue.occurrences
    codes = events.version_codes[events.times <= view.now.timestamp()]
    known = [view.organization.versions[code] for code in codes[codes > 0].tolist()]
    if not known:
        return {"firstRelease": None, "lastRelease": None}
    first, last = (view.organization.releases_by_version[known[end]] for end in (0, -1))
    return {"firstRelease": release_body(view, first), "lastRelease": release_body(view, last)}


def present(view: View, issue_id: str) -> Issue:
    """Return the issue of an id, or the one it was merged into.

    Raises:
        ApiError: 404 for unknown and deleted ids, and while a merge or deletion is pending; 403
            for an issue of a project out of reach.
    """
    issue = view.find(issue_id)
    if issue is None or issue.project_id in view.behaviours.deleted_projects:
        raise not_found()
    if not view.reach.has(issue.project_id):
        raise forbidden()
    state = view.state(issue)
    if state.merged_into is not None:
        return present(view, state.merged_into)
    if state.existence != "present":
        raise not_found()
    return issue


def _tag(key: str) -> dict[str, object]:
    values = [{"value": canaries.text("tag-value", key), "count": 3, "name": canaries.email(key)}]
    return {"key": key, "name": canaries.text("tag", key), "totalValues": 3, "topValues": values}

"""How Sentry serializes activities, poisoned where they must not be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.sandbox import canaries
from include.sandbox.times import iso

if TYPE_CHECKING:
    from collections.abc import Callable

    from include.sandbox.organization import Action, Issue


def activity_body(action: Action, issue: Issue) -> dict[str, object]:
    """Return one activity; its `data` holds all that Sentry's has, text included."""
    is_seer = action.kind.startswith("seer_")
    return {
        "id": action.activity_id,
        "user": None if action.actor is None else canaries.user(action.actor),
        "sentry_app": {"id": "9", "name": canaries.text("app"), "slug": "seer"}
        if is_seer
        else None,
        "type": action.kind,
        "data": {**action.data, **_content(action, issue)},
        "dateCreated": iso(action.at),
        "futureContext": canaries.future("activity"),
    }


def first_seen_body(issue: Issue, at: str) -> dict[str, object]:
    """Return the synthetic last entry of every feed; its id is "0" on every issue."""
    return {
        "id": "0",
        "user": None,
        "sentry_app": None,
        "type": "first_seen",
        "data": {"priority": issue.initial_priority},
        "dateCreated": at,
    }


def _content(action: Action, issue: Issue) -> dict[str, object]:
    """The never-collected part of `data` (Sentry's issues/action_log/types.py)."""
    kind = "seer" if action.kind.startswith("seer_") else action.kind
    write = _CONTENTS.get(kind)
    return (
        {"futureText": canaries.text("data", action.kind)}
        if write is None
        else write(action, issue)
    )


def _assigned(action: Action, _issue: Issue) -> dict[str, object]:
    assignee = action.data["assignee"]
    content: dict[str, object] = {"assigneeName": canaries.text("assignee", assignee)}
    if action.data["assigneeType"] == "user":
        content["assigneeEmail"] = canaries.email(assignee)
    if "integration" in action.data:
        content["rule"] = f"path:src/{canaries.CANARY}/* {canaries.email(assignee)}"
    return content


def _note(action: Action, _issue: Issue) -> dict[str, object]:
    return {
        "text": canaries.text("note", action.activity_id),
        "mentions": [canaries.email("mention")],
        "external_id": canaries.text("comment", action.activity_id),
    }


def _commit(_action: Action, issue: Issue) -> dict[str, object]:
    return {"commit": canaries.commit(issue.id)}


def _pull_request(_action: Action, issue: Issue) -> dict[str, object]:
    return {"pullRequest": canaries.pull_request(issue.id)}


def _ticket(_action: Action, issue: Issue) -> dict[str, object]:
    return {
        "title": canaries.text("ticket", issue.id),
        "location": canaries.url("ticket", issue.id),
        "label": canaries.text("ticket-label", issue.id),
        "new": True,
    }


def _event(_action: Action, issue: Issue) -> dict[str, object]:
    return {"event_id": canaries.text("event", issue.id)}


def _merge(action: Action, _issue: Issue) -> dict[str, object]:
    """The merged issues in full: ids are kept, what stands beside them is not."""
    children = action.data["issues"]
    if not isinstance(children, list):
        return {}
    full = [child | {"title": canaries.text("merged", child["id"])} for child in children]
    return {"issues": full}


def _unmerged(side: str) -> Callable[[Action, Issue], dict[str, object]]:
    def write(_action: Action, issue: Issue) -> dict[str, object]:
        whole = {
            "id": issue.id,
            "title": canaries.text("unmerged-title", issue.id),
            "culprit": canaries.text("unmerged-culprit", issue.id),
            "metadata": canaries.metadata(issue.id),
        }
        return {"fingerprints": [canaries.text("fingerprint", issue.id)], side: whole}

    return write


def _seer(_action: Action, issue: Issue) -> dict[str, object]:
    return {
        "summary": canaries.text("seer-summary", issue.id),
        "root_cause": {"description": canaries.text("seer-cause", issue.id)},
        "solution": [{"title": canaries.text("seer-solution", issue.id)}],
        "changes": [{"diff": canaries.text("seer-diff", issue.id)}],
        "pull_requests": [canaries.pull_request(issue.id)],
    }


_CONTENTS: dict[str, Callable[[Action, Issue], dict[str, object]]] = {
    "assigned": _assigned,
    "note": _note,
    "set_resolved_in_commit": _commit,
    "referenced_in_commit": _commit,
    "set_resolved_in_pull_request": _pull_request,
    "create_issue": _ticket,
    "set_regression": _event,
    "set_escalating": _event,
    "merge": _merge,
    "unmerge_source": _unmerged("destination"),
    "unmerge_destination": _unmerged("source"),
    "seer": _seer,
    "trigger_autofix": _seer,
}

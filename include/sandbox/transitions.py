"""How each kind of action changes an issue's state."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from include.sandbox.organization import Action, AssigneeType
    from include.sandbox.state import IssueState

SNOOZE_KEYS = ("ignoreCount", "ignoreUntil", "ignoreUserCount", "ignoreUserWindow", "ignoreWindow")


def apply(state: IssueState, action: Action) -> IssueState:
    """Return the state after the action; kinds that change nothing return it as it is."""
    change = _CHANGES.get(action.kind)
    return state if change is None else change(state, action)


def _resolved(state: IssueState, action: Action) -> IssueState:
    return replace(
        state,
        status="resolved",
        substatus=None,
        details=_resolution_details(action),
        details_actor=action.actor,
        resolved_at=action.at,
        last_progressed_at=action.at,
    )


def _resolution_details(action: Action) -> Mapping[str, object]:
    """`statusDetails` of a resolution: none for a plain one (Sentry's Group._get_status)."""
    if action.kind == "set_resolved_in_commit":
        return {"inCommit": True}
    if action.kind != "set_resolved_in_release":
        return {}
    if action.data.get("inNextRelease"):
        return {"inNextRelease": True}
    return {"inRelease": action.data["version"]}


def _reopened(substatus: str) -> Callable[[IssueState, Action], IssueState]:
    def change(state: IssueState, action: Action) -> IssueState:
        was_resolved = state.resolved_at is not None
        return replace(
            state,
            status="unresolved",
            substatus=substatus,
            details={},
            details_actor=None,
            resolved_at=None,
            last_progressed_at=action.at if was_resolved else state.last_progressed_at,
        )

    return change


def _archived(state: IssueState, action: Action) -> IssueState:
    snooze = {key: action.data.get(key) for key in SNOOZE_KEYS}
    conditional = any(value is not None for value in snooze.values())
    if action.data.get("ignoreUntilEscalating"):
        substatus = "archived_until_escalating"
    else:
        substatus = "archived_until_condition_met" if conditional else "archived_forever"
    return replace(
        state,
        status="ignored",
        substatus=substatus,
        details=snooze if conditional else {},
        details_actor=action.actor if conditional else None,
    )


def _ongoing(state: IssueState, _action: Action) -> IssueState:
    return replace(state, substatus="ongoing")


def _snooze_lapsed(state: IssueState, _action: Action) -> IssueState:
    return replace(state, status="unresolved", substatus="ongoing", details={}, details_actor=None)


def _age_reached(state: IssueState, _action: Action) -> IssueState:
    """Serialized as resolved at once; the stored status follows with set_resolved_by_age."""
    return replace(state, status="resolved", details={"autoResolved": True}, details_actor=None)


def _release_appeared(state: IssueState, action: Action) -> IssueState:
    return replace(state, details={"inRelease": action.data["version"]})


def _assigned(state: IssueState, action: Action) -> IssueState:
    kind = cast("AssigneeType", action.data["assigneeType"])
    moved = action.at if state.assignee is None else state.last_progressed_at
    return replace(state, assignee=(kind, str(action.data["assignee"])), last_progressed_at=moved)


def _unassigned(state: IssueState, action: Action) -> IssueState:
    return replace(state, assignee=None, last_progressed_at=action.at)


def _prioritized(state: IssueState, action: Action) -> IssueState:
    locked = state.priority_locked_at if action.actor is None else action.at
    return replace(state, priority=str(action.data["priority"]), priority_locked_at=locked)


def _commented(state: IssueState, _action: Action) -> IssueState:
    return replace(state, comment_count=state.comment_count + 1)


def _absorbed(state: IssueState, action: Action) -> IssueState:
    children = cast("list[dict[str, int]]", action.data["issues"])
    return replace(state, absorbed=(*state.absorbed, *(str(child["id"]) for child in children)))


def _merge_pending(state: IssueState, _action: Action) -> IssueState:
    return replace(state, status="pending_merge", existence="pending")


def _merged(state: IssueState, action: Action) -> IssueState:
    return replace(state, existence="merged", merged_into=str(action.data["survivor"]))


def _deletion_pending(state: IssueState, _action: Action) -> IssueState:
    return replace(state, status="pending_deletion", existence="pending")


def _deleted(state: IssueState, _action: Action) -> IssueState:
    return replace(state, existence="deleted")


_CHANGES: dict[str, Callable[[IssueState, Action], IssueState]] = {
    "set_resolved": _resolved,
    "set_resolved_in_release": _resolved,
    "set_resolved_by_age": _resolved,
    "set_resolved_in_commit": _resolved,
    "set_resolved_in_pull_request": _resolved,
    "set_unresolved": _reopened("ongoing"),
    "set_regression": _reopened("regressed"),
    "set_escalating": _reopened("escalating"),
    "set_ignored": _archived,
    "auto_set_ongoing": _ongoing,
    "snooze_lapsed": _snooze_lapsed,
    "age_reached": _age_reached,
    "release_appeared": _release_appeared,
    "assigned": _assigned,
    "unassigned": _unassigned,
    "set_priority": _prioritized,
    "note": _commented,
    "merge": _absorbed,
    "pending_merge": _merge_pending,
    "merged_into": _merged,
    "pending_deletion": _deletion_pending,
    "deleted": _deleted,
}

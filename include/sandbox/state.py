"""What is true at a moment: folds over an organization's facts.

The server answers from these functions and tests compare with them, so they hold Sentry's rules
about states (Sentry's `models/group.py`, `types/activity.py`) and nothing about HTTP.
A fact counts at its own time: everything with `time <= at` has happened.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from include.sandbox.organization import SILENT_KINDS
from include.sandbox.transitions import apply

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from include.sandbox.organization import Action, AssigneeType, Deploy, Issue, Release

Existence = Literal["unseen", "present", "pending", "merged", "deleted"]

FEED_LIMIT = 99
"""Activities Sentry returns at most, besides the synthetic first_seen."""


@dataclass(frozen=True, slots=True)
class IssueState:
    """An issue at a moment, as Sentry would serialize it (not as it stores it).

    Attributes:
        status: Sentry's status, `pending_merge` and `pending_deletion` included.
        substatus: Sentry's substatus; None when resolved.
        details: `statusDetails` with its structural keys only.
        details_actor: Person in `statusDetails.actor`, where Sentry gives one.
        assignee: Type and id; None when unassigned.
        priority: low, medium or high.
        priority_locked_at: When a person set the priority; None before.
        last_progressed_at: `derivedData.lastProgressedAt`. Stays put on a re-assignment, on
            archiving and on a priority change.
        resolved_at: `Group.resolved_at`, which no payload carries but issues-timeseries counts.
        comment_count: Notes so far.
        existence: `unseen` before the first event; `pending` while a merge or deletion runs.
        merged_into: Id of the survivor once `existence` is "merged".
        absorbed: Ids of the issues merged into this one.
    """

    status: str
    substatus: str | None
    details: Mapping[str, object]
    details_actor: str | None
    assignee: tuple[AssigneeType, str] | None
    priority: str
    priority_locked_at: datetime | None
    last_progressed_at: datetime
    resolved_at: datetime | None
    comment_count: int
    existence: Existence
    merged_into: str | None
    absorbed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReleaseState:
    """A release at a moment.

    `exists` is False before `created_at`; `deploys` are the finished ones, oldest first.
    """

    exists: bool
    status: Literal["open", "archived"]
    released_at: datetime | None
    deploys: tuple[Deploy, ...]


def initial_state(issue: Issue) -> IssueState:
    """Return the state right after the first event: unresolved and new."""
    return IssueState(
        status="unresolved",
        substatus="new",
        details={},
        details_actor=None,
        assignee=None,
        priority=issue.initial_priority,
        priority_locked_at=None,
        last_progressed_at=issue.first_seen,
        resolved_at=None,
        comment_count=0,
        existence="present",
        merged_into=None,
        absorbed=(),
    )


def issue_states(issue: Issue) -> tuple[IssueState, ...]:
    """Return the state after none, one, two… of the issue's actions (one more than actions)."""
    states = [initial_state(issue)]
    for action in issue.actions:
        states.append(apply(states[-1], action))
    return tuple(states)


def actions_done(issue: Issue, at: datetime) -> int:
    """Return how many of the issue's actions have happened; the index into `issue_states`."""
    return bisect_right(issue.actions, at, key=lambda action: action.at)


def issue_state(issue: Issue, at: datetime) -> IssueState:
    """Return the issue's state at a moment (aware UTC)."""
    state = initial_state(issue)
    if at < issue.first_seen:
        return replace(state, existence="unseen")
    for action in issue.actions[: actions_done(issue, at)]:
        state = apply(state, action)
    return state


def activities(issue: Issue, at: datetime) -> tuple[Action, ...]:
    """Return every activity until a moment, oldest first: uncut, duplicates included.

    The synthetic first_seen is not among them; it has no row in Sentry either.
    """
    return visible(issue.actions[: actions_done(issue, at)])


def visible(actions: Iterable[Action]) -> tuple[Action, ...]:
    """Return the actions that are activities, leaving the silent changes out."""
    return tuple(action for action in actions if action.kind not in SILENT_KINDS)


def activity_feed(issue: Issue, at: datetime) -> tuple[Action, ...]:
    """Return the activities as Sentry's endpoint shows them, without the synthetic first_seen.

    Newest first; of consecutive ones with the same type, person and data only the newest, except
    notes; at most `FEED_LIMIT` (Sentry's `models/activity.py`, get_activities_for_group).
    """
    feed: list[Action] = []
    previous: tuple[str, str | None, Mapping[str, object]] | None = None
    for action in reversed(activities(issue, at)):
        signature = (action.kind, action.actor, action.data)
        if action.kind == "note" or signature != previous:
            feed.append(action)
        previous = signature
    return tuple(feed[:FEED_LIMIT])


def release_state(release: Release, at: datetime) -> ReleaseState:
    """Return the release at a moment; what lies in the future is absent, not null."""
    archived = release.archived_at is not None and release.archived_at <= at
    released = release.released_at is not None and release.released_at <= at
    return ReleaseState(
        exists=release.created_at <= at,
        status="archived" if archived else "open",
        released_at=release.released_at if released else None,
        deploys=tuple(deploy for deploy in release.deploys if deploy.finished_at <= at),
    )

"""The stand-in organization: frozen facts, from which every answer of the sandbox is derived.

Everything that ever happens is generated up front and carries its time. The organization at a
moment is a fold over the facts up to it (`include.sandbox.state`), so the clock is only a number.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from include.sandbox.events import EventTable, tabulate
from include.sandbox.outcomes import dropped_events

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray

OUTCOMES = ("accepted", "filtered", "rate_limited", "invalid", "client_discard")
"""Outcomes with any volume; Sentry's stats_v2 knows three more, which stay at zero here."""

AssigneeType = Literal["user", "team"]

SILENT_KINDS = frozenset(
    {
        "release_appeared",
        "snooze_lapsed",
        "age_reached",
        "pending_merge",
        "merged_into",
        "pending_deletion",
        "deleted",
    }
)
"""Changes of state that leave no activity, because Sentry writes none for them.

`release_appeared`: a resolution in the next release is rewritten to the concrete one.
`snooze_lapsed`: an archived issue's time is over; Sentry serializes it as unresolved at once.
`age_reached`: over the project's auto-resolve age; serialized as resolved before the task runs.
The others are the two steps of a merge and of a deletion.
"""


@dataclass(frozen=True, slots=True)
class Person:
    """A member. `id` is numeric and distinctive, so that a leak of it can be found."""

    id: str
    key: str
    team_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Team:
    """A team; `slug` is an allowed label, its name is not."""

    id: str
    slug: str


@dataclass(frozen=True, slots=True)
class Environment:
    """A deployment environment. Hidden ones are listed only with `visibility=all|hidden`."""

    id: str
    name: str
    is_hidden: bool = False


@dataclass(frozen=True, slots=True)
class Project:
    """A project.

    `is_member` is about the user who installed us: Sentry leaves projects of other teams out
    unless a request says `project=-1`. `resolve_age_hours` is Sentry's auto-resolve setting.
    """

    id: str
    slug: str
    platform: str
    team_ids: tuple[str, ...]
    created_at: datetime
    is_member: bool
    resolve_age_hours: int | None = None


@dataclass(frozen=True, slots=True)
class Deploy:
    """One deploy of a release; it exists from `finished_at` on."""

    id: str
    environment: str
    started_at: datetime | None
    finished_at: datetime


@dataclass(frozen=True, slots=True)
class Release:
    """A release, organization-wide: one version may belong to several projects.

    `released_at` stays None for releases nobody finalized. `archived_at` hides it from the list.
    """

    id: int
    version: str
    project_ids: tuple[str, ...]
    created_at: datetime
    released_at: datetime | None
    archived_at: datetime | None
    commit_count: int
    deploys: tuple[Deploy, ...]


@dataclass(frozen=True, slots=True)
class Action:
    """One dated fact of an issue's life cycle.

    Attributes:
        at: When it happened; aware UTC, microseconds.
        kind: Sentry's activity type in lower case, or one of `SILENT_KINDS`.
        actor: Id of the person who did it; None for Sentry itself.
        data: The structural part of the activity's `data`, with Sentry's keys. Free text is not
            here: the server adds it, as canaries.
        activity_id: Id of the activity; None for silent kinds.
    """

    at: datetime
    kind: str
    actor: str | None
    data: Mapping[str, object]
    activity_id: str | None


@dataclass(frozen=True, eq=False, slots=True)
class Occurrences:
    """Batches of events, sorted by time; the three arrays have the same length.

    Attributes:
        times: Epoch seconds. Strictly increasing within an issue.
        version_codes: Index into `Organization.versions`; 0 is "no release".
        counts: Events of that second, at least 1.
    """

    times: NDArray[np.int64]
    version_codes: NDArray[np.int32]
    counts: NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True)
class Issue:
    """An issue. Its first event is `occurrences.times[0]`; its actions are sorted by time.

    `category` is "error", "performance" or "feedback". Only errors count in stats_v2 and events/;
    Sentry's search hides feedback unless asked for it.
    """

    id: str
    short_id: str
    project_id: str
    level: str
    platform: str
    event_type: str
    issue_type: str
    category: str
    is_unhandled: bool
    initial_priority: str
    first_seen: datetime
    occurrences: Occurrences
    actions: tuple[Action, ...]


@dataclass(frozen=True, eq=False, repr=False)
class Organization:
    """The ground truth: every fact between `start` and `horizon`.

    Attributes:
        id: Numeric string.
        slug: The organization's short name.
        created_at: Before every other time here.
        seed: What it was generated from, with `now` and `issue_count`.
        now: Where a sandbox's clock starts.
        start: First moment of the history, on the hour.
        horizon: Last moment; the clock cannot pass it.
        issue_count: Issues first seen until `now`; those of the time after come on top.
        versions: Version strings by code; `versions[0]` is "" (no release).
        people: Members, the overloaded one first.
    """

    id: str
    slug: str
    created_at: datetime
    seed: int
    now: datetime
    start: datetime
    horizon: datetime
    issue_count: int
    projects: tuple[Project, ...]
    teams: tuple[Team, ...]
    people: tuple[Person, ...]
    environments: tuple[Environment, ...]
    releases: tuple[Release, ...]
    versions: tuple[str, ...]
    issues: tuple[Issue, ...]

    @cached_property
    def events(self) -> EventTable:
        """Every event batch of every issue, sorted by time."""
        return tabulate(self.issues, self.projects)

    @cached_property
    def dropped(self) -> Mapping[str, Mapping[str, NDArray[np.int64]]]:
        """By project id and outcome other than accepted: events per hour from `start` on."""
        return dropped_events(self)

    @cached_property
    def issues_by_id(self) -> dict[str, Issue]:
        """Every issue, those that are merged or deleted one day included."""
        return {issue.id: issue for issue in self.issues}

    @cached_property
    def projects_by_id(self) -> dict[str, Project]:
        """Projects by numeric id."""
        return {project.id: project for project in self.projects}

    @cached_property
    def releases_by_version(self) -> dict[str, Release]:
        """Releases by version; a version is unique in an organization."""
        return {release.version: release for release in self.releases}

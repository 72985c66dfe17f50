"""The organization as it is now: folds of its facts, kept until clock or behaviours change."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from include.sandbox.behaviours import Switchboard
from include.sandbox.reach import reach
from include.sandbox.state import actions_done, issue_states
from include.sandbox.tallies import GONE, event_owners, seen_table

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from datetime import datetime

    from numpy.typing import NDArray

    from include.sandbox.behaviours import Behaviours
    from include.sandbox.clock import Clock
    from include.sandbox.organization import Issue, Organization
    from include.sandbox.state import IssueState
    from include.sandbox.tallies import SeenTable

T = TypeVar("T")
MAX_KEPT = 400
"""Answers kept at a time: enough for the pages of a load, little enough for the memory."""


class ReleaseTable(NamedTuple):
    """By version code: first and last event (epoch seconds, 0 for none).

    `new_issues` counts by project position and version code the issues first seen in it.
    """

    first: NDArray[np.int64]
    last: NDArray[np.int64]
    new_issues: NDArray[np.int64]


class View:
    """Answers about the organization at the clock's present.

    Attributes:
        organization: The facts.
        clock: Says when now is.
        positions: Position of each issue in `organization.issues`, by id.
        codes: Code of each version.
        feeds: Encoded activities by issue id, with the number of actions they stand for.
        fixed: The part of each issue's body that never changes.
        behaviours: What the sandbox is switched to.
        reach: The projects the installing user sees.
        slug: What the organization is called today.
    """

    def __init__(
        self, organization: Organization, clock: Clock, switchboard: Switchboard | None = None
    ) -> None:
        self.organization = organization
        self.clock = clock
        self.positions = {issue.id: place for place, issue in enumerate(organization.issues)}
        self.codes = {version: code for code, version in enumerate(organization.versions)}
        self.feeds: dict[str, tuple[int, bytes]] = {}
        self.fixed: dict[str, dict[str, object]] = {}
        self._states: dict[str, tuple[IssueState, ...]] = {}
        self._kept: dict[Hashable, object] = {}
        self._kept_at: datetime | None = None
        self._switchboard = switchboard or Switchboard()
        self._apply(self._switchboard.current)

    def follow(self) -> None:
        """Take over the behaviours if they have changed; to be called before each answer."""
        if self._switchboard.current is not self.behaviours:
            self._apply(self._switchboard.current)

    def _apply(self, behaviours: Behaviours) -> None:
        self.behaviours = behaviours
        self.reach = reach(self.organization, behaviours)
        self.slug = behaviours.organization_slug or self.organization.slug
        for cache in (self._kept, self.feeds, self.fixed):
            cache.clear()

    @property
    def has_oauth(self) -> bool:
        """Whether OAuth's routes are here: regions have none, they are the control silo's."""
        return self.behaviours.moved_to is None or self.behaviours.is_control_silo

    @property
    def now(self) -> datetime:
        """The present; aware UTC."""
        return self.clock.now

    def keep(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what `make` made for this key since clock or behaviours changed, or make it."""
        if self._kept_at != self.now or len(self._kept) >= MAX_KEPT:
            self._kept.clear()
            self._kept_at = self.now
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]  # type: ignore[return-value]  # a key always has one make

    def state(self, issue: Issue) -> IssueState:
        """Return the issue's state now; meaningless before its first event."""
        states = self._states.get(issue.id)
        if states is None:
            states = self._states[issue.id] = issue_states(issue)
        return states[actions_done(issue, self.now)]

    def find(self, issue_id: str) -> Issue | None:
        """Return an issue that exists now or once did, by id."""
        issue = self.organization.issues_by_id.get(issue_id)
        return issue if issue is not None and issue.first_seen <= self.now else None

    def owners(self) -> NDArray[np.int32]:
        """Return `tallies.event_owners` now."""
        return self.keep("owners", lambda: event_owners(self.organization, self.now))

    def seen(self, start: datetime, end: datetime) -> SeenTable:
        """Return the events of every issue with `start <= time < end`."""
        return self.keep(
            ("seen", start, end),
            lambda: seen_table(self.organization, self.owners(), self.now, start, end),
        )

    def lifetime(self) -> SeenTable:
        """Return all events of every issue until now."""
        return self.seen(self.organization.start, self.organization.horizon)

    def releases(self) -> ReleaseTable:
        """Return what the releases' events say about them now."""
        return self.keep("releases", self._tabulate_releases)

    def _tabulate_releases(self) -> ReleaseTable:
        organization, events = self.organization, self.organization.events
        rows = events.rows(0, self.now.timestamp() + 1e-6)
        codes, times = events.version_codes[rows], events.times[rows]
        first = np.zeros(len(organization.versions), dtype=np.int64)
        last = np.zeros_like(first)
        first[codes[::-1]], last[codes] = times[::-1], times
        new_issues = np.zeros((len(organization.projects), len(first)), dtype=np.int64)
        # An issue belongs to the release of its first event; np.unique finds first positions.
        holders, firsts = np.unique(events.issues[rows], return_index=True)
        exists = self.owners()[holders] != GONE
        births = firsts[exists]
        np.add.at(new_issues, (events.projects[rows][births], codes[births]), 1)
        return ReleaseTable(first, last, new_issues)

"""A synthetic Sentry organization as arrays, computed from a seed: no object per issue.

Shares no code with the source that is measured, nor with the sandbox.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

DAY = 86_400
HOUR = 3_600
START = 1_790_856_030
"""Epoch seconds of the clock at the start: 2026-10-01T12:00:30Z, whatever the real time is."""
RETENTION = 90 * DAY
FIRST_ID = 5_000_001
FIRST_PROJECT = 4_501
VERSIONS = 40
OLD_SHARE = 0.1
"""Issues first seen before the retention, with events in it."""
QUIET_FOR = DAY
"""Changes are made to issues without an event for so long, which no search for events notices."""


class Kind(IntEnum):
    """What happened to an issue since it was first seen."""

    UNTOUCHED = 0
    RESOLVED = 1
    ASSIGNED = 2
    IGNORED = 3
    REGRESSED = 4
    PRIORITY = 5
    DELETED = 6


TOUCHED_KINDS = (Kind.RESOLVED, Kind.ASSIGNED, Kind.IGNORED, Kind.REGRESSED, Kind.PRIORITY)
TOUCHED_SHARES = (0.45, 0.25, 0.12, 0.1, 0.08)


@dataclass(frozen=True, slots=True)
class Size:
    """What an organization is made of.

    Attributes:
        issues: Issues.
        touched: Share of them to which something happened.
        bursts: Times at which an issue has events, on average; 0 hides all counts of events from
            `events/` and `stats_v2/`.
        projects: Projects.
        releases: Releases.
        seed: Of the random numbers.
    """

    issues: int
    touched: float = 0.0
    bursts: float = 2.0
    projects: int = 20
    releases: int = 200
    seed: int = 1


class Organization:
    """Issues in the order of their first events, which is the order of their ids, too.

    Attributes:
        now: The clock, epoch seconds.
        first, last: Epoch seconds of each issue's first and latest event.
        count: Its events.
        project: Place of its project.
        kind, at: What happened to it, and when.
        event_issue, event_at, event_count, event_version: Bursts of events, in the order of time.
    """

    def __init__(self, size: Size) -> None:
        self.size = size
        self.now = START
        dice = np.random.default_rng(size.seed)
        count = size.issues
        age = dice.uniform(10 * 60, RETENTION - DAY, count)
        is_old = dice.random(count) < OLD_SHARE
        age[is_old] = RETENTION + dice.exponential(90 * DAY, int(is_old.sum()))
        self.first = np.sort((START - age).astype(np.int64))
        self.project = dice.integers(0, size.projects, count)
        self._make_events(dice)
        self.kind = np.zeros(count, np.uint8)
        is_touched = dice.random(count) < size.touched
        touched = int(is_touched.sum())
        self.kind[is_touched] = dice.choice(TOUCHED_KINDS, touched, p=TOUCHED_SHARES)
        begin = np.maximum(self.first, START - 150 * DAY)
        self.at = begin + ((START - 60 - begin) * dice.random(count)).astype(np.int64)

    def _make_events(self, dice: np.random.Generator) -> None:
        """Give each issue a burst of events at its first seen, and some later ones.

        An issue older than the retention has its first visible burst some time later.
        """
        count = self.size.issues
        mean = max(self.size.bursts, 1.0)
        later = dice.geometric(1 / mean, count) - 1
        owners = np.concatenate([np.arange(count), np.repeat(np.arange(count), later)])
        begin = np.maximum(self.first, START - RETENTION + DAY)[owners]
        share = dice.random(len(owners))
        share[:count] = np.where(self.first >= START - RETENTION, 0, share[:count])
        at = begin + ((START - 6 * 60 - begin) * share).astype(np.int64)
        counts = dice.geometric(0.2, len(owners))
        self._set_events(owners, at, counts, at // (90 * DAY // VERSIONS) % VERSIONS)

    def _set_events(
        self, owners: np.ndarray, at: np.ndarray, counts: np.ndarray, versions: np.ndarray
    ) -> None:
        order = np.argsort(at, kind="stable")
        self.event_issue = owners[order]
        self.event_at = at[order]
        self.event_count = counts[order]
        self.event_version = versions[order]
        self.last = self.first.copy()
        np.maximum.at(self.last, self.event_issue, self.event_at)
        self.count = np.bincount(
            self.event_issue, self.event_count, minlength=self.size.issues
        ).astype(np.int64)

    def events(self, start: int, end: int) -> slice:
        """Return the bursts from `start` on and before `end`."""
        low, high = np.searchsorted(self.event_at, [start, min(end, self.now)])
        return slice(int(low), int(high))

    def found(self, start: int, end: int, project: int | None) -> np.ndarray:
        """Return places of the issues with events in a window, as Sentry's search: newest first."""
        is_found = np.zeros(self.size.issues, bool)
        is_found[self.event_issue[self.events(start, end)]] = True
        is_found &= self.kind != Kind.DELETED
        if project is not None:
            is_found &= self.project == project
        return np.flatnonzero(is_found)[::-1]

    def change(self, kinds: dict[Kind, int]) -> dict[Kind, list[int]]:
        """Let things happen to quiet, untouched issues at this moment; return their ids."""
        is_quiet = (self.kind == Kind.UNTOUCHED) & (self.last < self.now - QUIET_FOR)
        places = np.random.default_rng(self.now).permutation(np.flatnonzero(is_quiet))
        chosen: dict[Kind, list[int]] = {}
        for kind, number in kinds.items():
            mine, places = places[:number], places[number:]
            self.kind[mine] = kind
            self.at[mine] = self.now
            chosen[kind] = sorted((mine + FIRST_ID).tolist())
        return chosen

    def advance(self, seconds: int, active: int) -> None:
        """Move the clock; meanwhile so many issues have an event."""
        before, self.now = self.now, self.now + seconds
        if not active:
            return
        dice = np.random.default_rng(self.now)
        owners = dice.choice(np.flatnonzero(self.kind != Kind.DELETED), active, replace=False)
        at = dice.integers(before, self.now - min(seconds // 2, 6 * 60), active)
        self._set_events(
            np.concatenate([self.event_issue, owners]),
            np.concatenate([self.event_at, at]),
            np.concatenate([self.event_count, np.ones(active, np.int64)]),
            np.concatenate([self.event_version, np.full(active, VERSIONS - 1)]),
        )

"""Event counts at a moment: what the statistics and the search of Sentry would answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from numpy.typing import NDArray

    from include.sandbox.organization import Organization

HOUR_S = 3600
GONE = -1
"""Owner of the events of a deleted issue."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Events of one issue in a window: how many, the first and the last (epoch seconds)."""

    count: int
    first: int
    last: int


@dataclass(frozen=True, eq=False, slots=True)
class SeenTable:
    """`Seen` for every issue by position; `first` and `last` mean nothing where `count` is 0."""

    count: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]


def event_owners(organization: Organization, at: datetime) -> NDArray[np.int32]:
    """Return, by position of an issue, the position of the issue that holds its events.

    After a merge that is the survivor (Sentry rewrites the group of a merged issue's events),
    after a deletion `GONE`.
    """
    place = {issue.id: position for position, issue in enumerate(organization.issues)}
    owners = np.arange(len(organization.issues), dtype=np.int32)
    for position, issue in enumerate(organization.issues):
        last = issue.actions[-1] if issue.actions else None
        if last is None or last.at > at:
            continue
        if last.kind == "deleted":
            owners[position] = GONE
        elif last.kind == "merged_into":
            owners[position] = place[str(last.data["survivor"])]
    return owners


def is_error(organization: Organization) -> NDArray[np.bool_]:
    """Tell, by position of an issue, whether its events are errors (only that category's are)."""
    return np.array([issue.category == "error" for issue in organization.issues], dtype=np.bool_)


def seen(
    organization: Organization, at: datetime, start: datetime, end: datetime
) -> dict[str, Seen]:
    """Return, by issue id, the events with `start <= time < end` that happened until `at`.

    Issues without such an event are absent, merged and deleted ones too.
    """
    table = seen_table(organization, event_owners(organization, at), at, start, end)
    return {
        organization.issues[position].id: Seen(
            int(table.count[position]), int(table.first[position]), int(table.last[position])
        )
        for position in np.flatnonzero(table.count)
    }


def seen_table(
    organization: Organization,
    owners: NDArray[np.int32],
    at: datetime,
    start: datetime,
    end: datetime,
) -> SeenTable:
    """Return what `seen` returns as arrays by issue position; `owners` as `event_owners`."""
    events, rows = organization.events, _rows(organization, at, start, end)
    holder = owners[events.issues[rows]]
    kept = holder != GONE
    holder, times = holder[kept], events.times[rows][kept]
    size = len(organization.issues)
    first, last = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    # Rows are in time order: of repeated positions the last assignment stays.
    first[holder[::-1]] = times[::-1]
    last[holder] = times
    count = np.bincount(holder, weights=events.counts[rows][kept], minlength=size)
    return SeenTable(count.astype(np.int64), first, last)


def release_counts(
    organization: Organization, at: datetime, start: datetime, end: datetime
) -> dict[tuple[str, str], int]:
    """Return the events with `start <= time < end` by issue id and version ("" for none).

    Events of deleted issues are absent, as in Sentry's `events/`; those of merged issues count
    for the survivor. Only errors count: no feedback, no performance.
    """
    events, rows = organization.events, _rows(organization, at, start, end)
    holder = event_owners(organization, at)[events.issues[rows]]
    holder = np.where(is_error(organization)[events.issues[rows]], holder, GONE)
    counts: dict[tuple[str, str], int] = {}
    pairs = zip(holder.tolist(), events.version_codes[rows].tolist(), strict=True)
    for (position, code), count in zip(pairs, events.counts[rows].tolist(), strict=True):
        if position != GONE:
            key = (organization.issues[position].id, organization.versions[code])
            counts[key] = counts.get(key, 0) + count
    return counts


def volume(
    organization: Organization, project_ids: Collection[str], outcome: str, at: datetime
) -> NDArray[np.int64]:
    """Return error events per hour from `organization.start` through the hour of `at`.

    Accepted ones are the sum of the projects' errors, merged and deleted issues included, feedback
    and performance excluded. Of the running hour only what happened until `at`.
    """
    elapsed_s = (at - organization.start).total_seconds()
    hours = int(elapsed_s // HOUR_S) + 1
    if outcome == "accepted":
        return _accepted(organization, project_ids, at, hours)
    total = np.zeros(hours, dtype=np.int64)
    for project_id in project_ids:
        total += organization.dropped[project_id][outcome][:hours]
    # Dropped events are known by the hour: of the running one a share in proportion.
    total[-1] = int(total[-1] * (elapsed_s % HOUR_S) / HOUR_S)
    return total


def _accepted(
    organization: Organization, project_ids: Collection[str], at: datetime, hours: int
) -> NDArray[np.int64]:
    events = organization.events
    rows = events.rows(organization.start.timestamp(), at.timestamp() + 1)
    wanted = np.array(
        [project.id in project_ids for project in organization.projects], dtype=np.bool_
    )
    kept = is_error(organization)[events.issues[rows]] & wanted[events.projects[rows]]
    kept &= events.times[rows] <= at.timestamp()
    hour = (events.times[rows][kept] - int(organization.start.timestamp())) // HOUR_S
    totals = np.bincount(hour, weights=events.counts[rows][kept], minlength=hours)
    return totals.astype(np.int64)


def _rows(organization: Organization, at: datetime, start: datetime, end: datetime) -> slice:
    """Rows of the window that have happened; an event at `at` itself has."""
    until = min(end, at + timedelta(microseconds=1))
    return organization.events.rows(start.timestamp(), until.timestamp())

"""All events of an organization as one table sorted by time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from include.sandbox.organization import Issue, Project


@dataclass(frozen=True, eq=False, slots=True)
class EventTable:
    """Event batches of every issue; five arrays of one length, sorted by time.

    Attributes:
        times: Epoch seconds.
        issues: Position of the issue in `Organization.issues`, before any merge.
        projects: Position of the issue's project in `Organization.projects`.
        version_codes: Position of the version in `Organization.versions`.
        counts: Events of the batch.
    """

    times: NDArray[np.int64]
    issues: NDArray[np.int32]
    projects: NDArray[np.int32]
    version_codes: NDArray[np.int32]
    counts: NDArray[np.int64]

    def rows(self, start: float, end: float) -> slice:
        """Return the rows with `start <= time < end` (epoch seconds)."""
        low, high = np.searchsorted(self.times, [start, end], side="left")
        return slice(int(low), int(high))


def tabulate(issues: Sequence[Issue], projects: Sequence[Project]) -> EventTable:
    """Concatenate the occurrences of all issues and sort them by time, then by issue."""
    if not issues:
        # NumPy cannot concatenate no arrays at all.
        whole, short = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int32)
        return EventTable(whole, short, short, short, whole)
    sizes = [len(issue.occurrences.times) for issue in issues]
    place = {project.id: position for position, project in enumerate(projects)}
    times = np.concatenate([issue.occurrences.times for issue in issues])
    order = np.argsort(times, kind="stable")
    issue_positions = np.repeat(np.arange(len(issues), dtype=np.int32), sizes)
    project_of = np.array([place[issue.project_id] for issue in issues], dtype=np.int32)
    codes = np.concatenate([issue.occurrences.version_codes for issue in issues])
    counts = np.concatenate([issue.occurrences.counts for issue in issues])
    return EventTable(
        times=times[order],
        issues=issue_positions[order],
        projects=project_of[issue_positions][order],
        version_codes=codes[order],
        counts=counts[order],
    )

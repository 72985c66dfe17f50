"""How long resolution and first assignment take, with what is still open counted."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from include.report.marts import Marts
from include.report.survival import Curve, Numbers, curve
from include.report.views import ALL, Window

QUERY = """
select
    coalesce(selectable.p, -2) as p,
    opened_at,
    open_hours,
    coalesce(hours_to_first_assignment, open_hours) as unassigned_hours,
    is_resolved,
    hours_to_first_assignment is not null as is_assigned
from resolution_time
inner join dim_project using (project_id)
left join selectable using (project_id)
where is_history_complete
"""
"""Projects of which history is still to be read are left out, as in the marts: what was read of
them is what is still active, so everything about them would look too slow."""


@dataclass(frozen=True)
class Episodes:
    """All episodes of the projects of which all history is read.

    Attributes:
        project: Number of each one's project; -2 for one that cannot be looked at alone.
        opened_at: When each was opened.
        open_hours: How long each was open, or is so far.
        unassigned_hours: How long each waited for an assignee, or does so far.
        is_resolved: It was resolved.
        is_assigned: It was assigned.
    """

    project: NDArray[np.int32]
    opened_at: NDArray[np.datetime64]
    open_hours: Numbers
    unassigned_hours: Numbers
    is_resolved: NDArray[np.bool_]
    is_assigned: NDArray[np.bool_]

    @cached_property
    def _of_project(self) -> dict[int, NDArray[np.intp]]:
        order = np.argsort(self.project, kind="stable")
        numbers, starts = np.unique(self.project[order], return_index=True)
        return dict(zip(numbers.tolist(), np.split(order, starts)[1:], strict=True))

    def of(self, project: int, window: Window) -> NDArray[np.intp]:
        """Return the places of a project's episodes (or of all) that were opened in a window."""
        if project == ALL:
            places = np.arange(self.project.size)
        else:
            places = self._of_project.get(project, np.empty(0, dtype=np.intp))
        since, until = (np.datetime64(bound) for bound in window.bounds)
        opened_at = self.opened_at[places]
        return places[(opened_at >= since) & (opened_at < until)]

    def resolution(self, places: NDArray[np.intp]) -> Curve:
        """Return how long some episodes took to be resolved."""
        return curve(self.open_hours[places], self.is_resolved[places])

    def assignment(self, places: NDArray[np.intp]) -> Curve:
        """Return how long some episodes waited for their first assignee."""
        return curve(self.unassigned_hours[places], self.is_assigned[places])


def read(marts: Marts) -> Episodes:
    """Return all episodes that can be told of."""
    found = marts.database.execute(QUERY).fetchnumpy()
    return Episodes(
        found["p"],
        found["opened_at"],
        found["open_hours"],
        found["unassigned_hours"],
        found["is_resolved"],
        found["is_assigned"],
    )


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of the episodes of a project (or of all) in a period.

    Attributes:
        resolution: Until they were resolved.
        assignment: Until they were first assigned.
    """

    resolution: Curve
    assignment: Curve


def told(episodes: Episodes, project: int, window: Window) -> Told:
    """Return what is told of a project's episodes (or of all) that were opened in a window."""
    places = episodes.of(project, window)
    return Told(episodes.resolution(places), episodes.assignment(places))

"""The two volume tables, from the ground truth alone."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from include.sandbox.organization import OUTCOMES, Organization
from include.sandbox.tallies import release_counts, volume
from tests.integration.truth.moments import midnight

REACH_DAYS = 89
"""A first load reads volumes from midnight so many days ago: the first whole day in 90 days."""

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SETTLING = timedelta(days=2)

HourKey = tuple[str, datetime, str]
DayCounts = dict[tuple[str, str], int]


def reach(first_load: datetime) -> date:
    """Return the first day of which a connection with this first load has volumes."""
    return (first_load - timedelta(days=REACH_DAYS)).date()


def error_volume(organization: Organization, since: date, at: datetime) -> dict[HourKey, int]:
    """Return the errors of every project, hour and outcome from a day on; zeros are absent."""
    return {
        (project.id, hour, outcome): quantity
        for project in organization.projects
        for outcome in OUTCOMES
        for hour, quantity in _hours(organization, project.id, outcome, at)
        if hour >= midnight(since)
    }


def _hours(
    organization: Organization, project_id: str, outcome: str, at: datetime
) -> Iterator[tuple[datetime, int]]:
    quantities = volume(organization, [project_id], outcome, at).tolist()
    for place, quantity in enumerate(quantities):
        if quantity:
            yield organization.start + place * HOUR, quantity


@dataclass
class ReleaseDays:
    """What the loads have read of the events by UTC day, issue and version.

    A load reads a day again when its number of errors changed since the load before, and a last
    time once two whole days have passed since it. So a merge or deletion does not reach older days.

    Attributes:
        organization: The ground truth.
        loads: When loads ran.
        days: By day, issue and version ("" for none): events as of the day's latest reading.
    """

    organization: Organization
    loads: list[datetime] = field(default_factory=list)
    days: dict[date, DayCounts] = field(default_factory=dict)

    def load(self, at: datetime) -> None:
        """Let a load run at a moment."""
        day = self.loads[-1].date() - SETTLING if self.loads else reach(at)
        while day <= at.date():
            if not self.loads or self._is_read_again(day, self.loads[-1], at):
                start = midnight(day)
                self.days[day] = release_counts(self.organization, at, start, start + DAY)
            day += DAY
        self.loads.append(at)

    def _is_read_again(self, day: date, before: datetime, at: datetime) -> bool:
        """Whether a load reads a day that may have been read by the load before."""
        was_settled, is_settled = (day < load.date() - SETTLING for load in (before, at))
        return (is_settled and not was_settled) or self._has_new_errors(day, before, at)

    def _has_new_errors(self, day: date, since: datetime, at: datetime) -> bool:
        """Whether any event of the day happened after one moment and until another."""
        events = self.organization.events
        rows = events.rows(
            max(midnight(day).timestamp(), since.timestamp() + 1e-6),
            min(midnight(day + DAY).timestamp(), at.timestamp() + 1e-6),
        )
        return bool(rows.stop > rows.start)

    def rows(self) -> dict[tuple[date, str, str, str], int]:
        """Return `issue_release_volume`: events by day, project, issue and version."""
        project_of = {issue.id: issue.project_id for issue in self.organization.issues}
        return {
            (day, project_of[issue_id], issue_id, version): count
            for day, counts in self.days.items()
            for (issue_id, version), count in counts.items()
        }

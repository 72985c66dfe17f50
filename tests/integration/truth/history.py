"""Everything that releases are judged by."""

import csv
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from tests.integration.truth.facts import Facts
from tests.integration.truth.ledger import Row
from tests.integration.truth.moments import midnight
from tests.integration.truth.releases import Dated, attributed_issues, dated_releases

SEEDS = Path(__file__).parents[3] / "dbt_project" / "seeds"


def _seed(name: str, key: str, value: str) -> dict[str, float]:
    """Return a seed as numbers by name: its numbers are for the team to choose."""
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        return {row[key]: float(row[value]) for row in csv.DictReader(lines)}


@dataclass(frozen=True)
class History:
    """Everything that releases are judged by.

    Attributes:
        facts: The rows of the warehouse.
        thresholds: The seed `stability_thresholds`.
        grades: The seed `stability_grades`: least score by grade.
        timelines: The releases of each project.
        new_issues: By project and release number.
        regressions: Surviving issue and time, by project and version.
        events: By project, version and day: events of each surviving issue.
    """

    facts: Facts
    thresholds: dict[str, float]
    grades: dict[str, float]
    timelines: dict[str, list[Dated]]
    new_issues: dict[tuple[str, int], list[Row]]
    regressions: dict[tuple[str, str], set[tuple[str, datetime]]]
    events: dict[tuple[str, str, date], Counter[str]]

    def new(self, release: Dated) -> list[Row]:
        """Return the issues that are new in a release, at whatever time."""
        return self.new_issues.get((release.project_id, release.number), [])

    def regressed(self, release: Dated) -> set[tuple[str, datetime]]:
        """Return the regressions that name a release."""
        return self.regressions.get((release.project_id, release.row["version"]), set())

    def events_by_issue(self, release: Dated, end: datetime) -> Counter[str]:
        """Return the release's events on the days from its own to the last begun before `end`."""
        total: Counter[str] = Counter()
        day = release.released_at.date()
        while midnight(day) < end:
            key = release.project_id, release.row["version"], day
            total.update(self.events.get(key, Counter()))
            day += timedelta(days=1)
        return total


def history(facts: Facts) -> History:
    """Return what happened to the releases."""
    timelines = dated_releases(facts)
    regressions = defaultdict(set)
    for issue_id, activities in facts.activities.items():
        survivor = facts.survivor(issue_id)
        project_id = facts.issues[survivor]["project_id"]
        for row in activities:
            if row["type"] == "set_regression":
                regressions[project_id, row["version"]].add((survivor, row["date_created"]))
    events: dict[tuple[str, str, date], Counter[str]] = defaultdict(Counter)
    for (day, project_id, issue_id, version), count in facts.days.items():
        events[project_id, version, day][facts.survivor(issue_id)] += count
    return History(
        facts=facts,
        thresholds=_seed("stability_thresholds", "threshold", "value"),
        grades=_seed("stability_grades", "grade", "min_score"),
        timelines=timelines,
        new_issues=attributed_issues(facts, timelines),
        regressions=regressions,
        events=events,
    )

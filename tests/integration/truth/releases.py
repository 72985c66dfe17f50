"""When releases came out, which came next, and which issues belong to them."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from tests.integration.truth.facts import Facts
from tests.integration.truth.ledger import Row

WINDOW = timedelta(days=14)
EARLY = timedelta(hours=72)
HOTFIX = timedelta(hours=24)


@dataclass(frozen=True)
class Dated:
    """A release in a project.

    Attributes:
        row: Its row in `releases`.
        project_id: The project.
        number: 1 for the project's first.
        source: Where `released_at` comes from.
        previous_at, next_at: When the project's neighbours came out, where there are any.
        next_id: The next release.
    """

    row: Row
    project_id: str
    number: int
    source: str
    released_at: datetime
    previous_at: datetime | None
    next_at: datetime | None
    next_id: int | None

    @property
    def window_end(self) -> datetime:
        """The end of its window, exclusive."""
        latest = self.released_at + WINDOW
        return latest if self.next_at is None else min(self.next_at, latest)

    @property
    def early_end(self) -> datetime:
        """The end of its first 72 hours, exclusive."""
        return self.released_at + EARLY

    def observed(self, as_of: datetime) -> timedelta:
        """How much of its window has passed."""
        return max(min(self.window_end, as_of) - self.released_at, timedelta(0))

    def in_window(self, at: datetime) -> bool:
        """Whether a moment lies in its window."""
        return self.released_at <= at < self.window_end

    def is_early(self, at: datetime) -> bool:
        """Whether a moment lies in its first 72 hours."""
        return self.released_at <= at < self.early_end


def dated_releases(facts: Facts) -> dict[str, list[Dated]]:
    """Return the dated releases of every project in their order."""
    times: dict[str, list[tuple[datetime, int, str]]] = defaultdict(list)
    for release_id, project_id in facts.release_projects:
        at, source = released(facts, facts.releases[release_id])
        if at is not None:
            times[project_id].append((at, release_id, source))
    return {project_id: _timeline(facts, project_id, mine) for project_id, mine in times.items()}


def _timeline(facts: Facts, project_id: str, times: list[tuple[datetime, int, str]]) -> list[Dated]:
    ordered = sorted(times)
    neighbours = zip([None, *ordered[:-1]], ordered, [*ordered[1:], None], strict=True)
    return [
        Dated(
            row=facts.releases[release_id],
            project_id=project_id,
            number=number,
            source=source,
            released_at=at,
            previous_at=before[0] if before else None,
            next_at=after[0] if after else None,
            next_id=after[1] if after else None,
        )
        for number, (before, (at, release_id, source), after) in enumerate(neighbours, start=1)
    ]


def released(facts: Facts, release: Row) -> tuple[datetime | None, str]:
    """Return when a release came out and what tells so."""
    if release["date_released"] is not None:
        return release["date_released"], "released"
    finished = facts.deploys_finished.get(release["id"])
    if finished:
        return min(finished), "deployed"
    return release["date_created"], "created"


def attributed_issues(
    facts: Facts, timelines: dict[str, list[Dated]]
) -> dict[tuple[str, int], list[Row]]:
    """Return by project and release number the issues that are new in a release."""
    attributed = defaultdict(list)
    for issue_id, (release, _) in attribution(facts, timelines).items():
        attributed[release.project_id, release.number].append(facts.issues[issue_id])
    return attributed


def attribution(facts: Facts, timelines: dict[str, list[Dated]]) -> dict[str, tuple[Dated, str]]:
    """Return by issue the release in which it is new, and the method."""
    versions: dict[tuple[str, date], set[str]] = defaultdict(set)
    for day, _, issue_id, version in facts.days:
        versions[facts.survivor(issue_id), day].add(version)
    found = {}
    for issue in facts.new_issues():
        timeline = timelines.get(issue["project_id"], [])
        seen = versions.get((issue["id"], issue["first_seen"].date()))
        release = _by_window(issue, timeline) if seen is None else _by_volume(issue, timeline, seen)
        if release is not None:
            found[issue["id"]] = release, "window" if seen is None else "volume"
    return found


def _by_window(issue: Row, timeline: list[Dated]) -> Dated | None:
    return next((one for one in timeline if one.in_window(issue["first_seen"])), None)


def _by_volume(issue: Row, timeline: list[Dated], versions: set[str]) -> Dated | None:
    candidates = [one for one in timeline if one.row["version"] in versions]
    before = [one for one in candidates if one.released_at <= issue["first_seen"]]
    if before:
        return before[-1]
    return candidates[0] if candidates else None

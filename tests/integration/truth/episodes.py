"""`resolution_time`: the intervals in which issues were open."""

from dataclasses import dataclass, replace
from datetime import date, datetime

from tests.integration.truth.assignments import Assignment, assignments
from tests.integration.truth.facts import Facts
from tests.integration.truth.ledger import Row
from tests.integration.truth.moments import hours

OPENINGS = {
    "set_regression": "regression",
    "set_unresolved": "reopened",
    "set_escalating": "escalated",
}
CLOSINGS = {
    "set_resolved": "manual",
    "set_resolved_in_release": "in_release",
    "set_resolved_in_commit": "in_commit",
    "set_resolved_in_pull_request": "in_pull_request",
    "set_resolved_by_age": "by_age",
    "set_ignored": "archived",
}
RESOLUTIONS = {"manual", "in_release", "in_commit", "in_pull_request"}
CLOSED_STATUSES = {
    "ignored": "archived",
    "pending_deletion": "deleted",
    "deletion_in_progress": "deleted",
    "pending_merge": "merged",
}


@dataclass(frozen=True)
class Change:
    """A change of status; `is_inferred` where no activity tells of it."""

    at: datetime
    is_opening: bool
    kind: str
    version: str | None = None
    is_inferred: bool = False


@dataclass(frozen=True)
class Episode:
    """An issue's open interval, with the assignments that overlap it."""

    issue: Row
    number: int
    opening: Change
    closing: Change | None
    assignments: tuple[Assignment, ...]
    as_of: datetime

    @property
    def end(self) -> datetime:
        """When it was closed, or the last load."""
        return self.closing.at if self.closing else self.as_of

    @property
    def is_resolved(self) -> bool:
        """Whether a resolution closed it."""
        return self.closing is not None and self.closing.kind in RESOLUTIONS

    @property
    def censor_kind(self) -> str | None:
        """Why its resolution time is unknown."""
        if self.is_resolved:
            return None
        return self.closing.kind if self.closing else "open"

    @property
    def cohort_month(self) -> date:
        """First day of the month in which it was opened."""
        return self.opening.at.date().replace(day=1)

    @property
    def open_hours(self) -> float:
        """How long it was open."""
        return hours(self.opening.at, self.end)

    @property
    def assigned_at(self) -> list[datetime]:
        """From when each of its assignments held within it."""
        return [max(self.opening.at, one.begin) for one in self.assignments]

    @property
    def hours_to_first_assignment(self) -> float | None:
        """None if it was never assigned."""
        return hours(self.opening.at, min(self.assigned_at)) if self.assignments else None

    @property
    def is_assigned_at_close(self) -> bool:
        """Whether an assignment that began before the closing lasted to it."""
        if self.closing is None:
            return False
        return any(one.holds_before(self.closing.at) for one in self.assignments)


def episodes(facts: Facts) -> list[Episode]:
    """Return the episodes of all issues."""
    found = []
    for issue in facts.issues.values():
        spans = assignments(facts, issue)
        changes = _effective(_recorded(facts, issue))
        changes += _inferred(facts, issue, changes)
        for place in range(0, len(changes), 2):
            opening, *closing = changes[place : place + 2]
            episode = Episode(
                issue, place // 2 + 1, opening, closing[0] if closing else None, (), facts.as_of
            )
            overlapping = tuple(one for one in spans if one.overlaps(opening.at, episode.end))
            found.append(replace(episode, assignments=overlapping))
    return found


def _recorded(facts: Facts, issue: Row) -> list[Change]:
    """The changes that the issue's first seen and its activities tell, in their order."""
    activities, first_seen = facts.activities[issue["id"]], issue["first_seen"]
    changes = []
    if first_seen is not None and first_seen <= facts.as_of:
        first = min([first_seen, *(row["date_created"] for row in activities)])
        changes.append(Change(first, is_opening=True, kind="first_seen"))
    for row in activities:
        kinds = OPENINGS if row["type"] in OPENINGS else CLOSINGS
        if row["type"] in kinds:
            is_opening, version = kinds is OPENINGS, row["version"] or None
            changes.append(Change(row["date_created"], is_opening, kinds[row["type"]], version))
    assert len({(one.at, one.kind) for one in changes}) == len(changes), "ids would decide"
    return sorted(changes, key=_order)


def _order(change: Change) -> tuple[datetime, int]:
    rank = 0 if change.kind == "first_seen" else 1 + change.is_opening
    return change.at, rank


def _effective(changes: list[Change]) -> list[Change]:
    """Leave out openings of an open issue and closings of a closed one."""
    kept: list[Change] = []
    for change in changes:
        is_open = len(kept) % 2 == 1
        if change.is_opening != is_open:
            kept.append(change)
    return kept


def _inferred(facts: Facts, issue: Row, changes: list[Change]) -> list[Change]:
    """The change that the last reading shows and no activity tells, if there is one."""
    if not changes:
        return []
    last = changes[-1]
    kind = _closed_by(issue) if last.is_opening else _opened_by(issue, last)
    if kind is None:
        return []
    at = min(max(issue["observed_at"], last.at), facts.as_of)
    return [Change(at, not last.is_opening, kind, is_inferred=True)]


def _closed_by(issue: Row) -> str | None:
    if issue["tombstone"]:
        return str(issue["tombstone"])
    if issue["status"] != "resolved":
        return CLOSED_STATUSES.get(issue["status"])
    if issue["auto_resolved"]:
        return "by_age"
    return "in_release" if issue["in_release"] or issue["in_next_release"] else "manual"


def _opened_by(issue: Row, last: Change) -> str | None:
    if issue["tombstone"] or issue["status"] != "unresolved":
        return None
    return "archive_expired" if last.kind == "archived" else "observed"


def resolution_time(facts: Facts) -> list[Row]:
    """Return the rows of the mart."""
    return [_row(facts, episode) for episode in episodes(facts)]


def _row(facts: Facts, episode: Episode) -> Row:
    issue, closing, opening = episode.issue, episode.closing, episode.opening
    assigned = episode.assigned_at
    is_resolved = episode.is_resolved
    return {
        "episode_id": f"{issue['id']}-{episode.number}",
        "issue_id": issue["id"],
        "issue_short_id": issue["short_id"],
        "project_id": issue["project_id"],
        "project_slug": facts.slugs[issue["project_id"]],
        "opened_by": opening.kind,
        "opened_in_version": opening.version,
        "close_kind": closing.kind if closing else None,
        "censor_kind": episode.censor_kind,
        "closed_in_version": closing.version if closing else None,
        "level": issue["level"],
        "priority": issue["priority"],
        "platform": issue["platform"],
        "issue_category": issue["issue_category"],
        "episode_number": episode.number,
        "assignment_count": len(episode.assignments),
        "assignee_count": len({one.assignee for one in episode.assignments}),
        "open_hours": episode.open_hours,
        "resolution_hours": episode.open_hours if is_resolved else None,
        "hours_to_first_assignment": episode.hours_to_first_assignment,
        "hours_from_last_assignment": hours(max(assigned), episode.end)
        if is_resolved and assigned
        else None,
        "is_unhandled": issue["is_unhandled"],
        "is_resolved": is_resolved,
        "is_censored": not is_resolved,
        "is_open": closing is None,
        "is_assigned_at_close": episode.is_assigned_at_close,
        "is_open_inferred": opening.is_inferred,
        "is_close_inferred": closing is not None and closing.is_inferred,
        "cohort_month": episode.cohort_month,
        "opened_at": opening.at,
        "closed_at": closing.at if closing else None,
        "first_assigned_at": min(assigned, default=None),
        "last_assigned_at": max(assigned, default=None),
        "as_of": facts.as_of,
    }

"""`assignment_pattern`: how issues are assigned, by project and week."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median

from tests.integration.truth.assignments import Assignment, assignments
from tests.integration.truth.episodes import Episode, episodes
from tests.integration.truth.errors import project_days
from tests.integration.truth.facts import Facts
from tests.integration.truth.formulas import ratio, survival
from tests.integration.truth.ledger import Row
from tests.integration.truth.moments import midnight, monday

WEEK = timedelta(days=7)
NOTHING = timedelta(0)


@dataclass(frozen=True)
class Project:
    """What the weeks of a project count; `first` is the day the first of them holds."""

    id: str
    episodes: tuple[Episode, ...]
    assignments: tuple[Assignment, ...]
    first: date | None


@dataclass(frozen=True)
class Week:
    """A week from Monday on, cut at the last load."""

    start: datetime
    end: datetime
    is_complete: bool

    def holds(self, at: datetime | None) -> bool:
        """Whether a moment lies in the week."""
        return at is not None and self.start <= at < self.start + WEEK

    def overlap(self, begin: datetime, end: datetime) -> timedelta:
        """How much of an interval lies in the week."""
        return max(min(end, self.end) - max(begin, self.start), NOTHING)


def assignment_pattern(facts: Facts) -> list[Row]:
    """Return the rows of the mart."""
    return [
        _row(facts, project, week) for project in projects(facts) for week in weeks(facts, project)
    ]


def projects(facts: Facts) -> Iterator[Project]:
    """Yield every project."""
    error_days = {project.project_id: project.days[0] for project in project_days(facts)}
    every = episodes(facts)
    for project_id in facts.slugs:
        mine = tuple(one for one in every if one.issue["project_id"] == project_id)
        issues = [row for row in facts.issues.values() if row["project_id"] == project_id]
        spans = tuple(span for issue in issues for span in assignments(facts, issue))
        firsts = [one.opening.at.date() for one in mine] + [one.begin.date() for one in spans]
        firsts += [error_days[project_id]] if project_id in error_days else []
        yield Project(project_id, mine, spans, min(firsts, default=None))


def weeks(facts: Facts, project: Project) -> Iterator[Week]:
    """Yield the weeks of a project."""
    if project.first is None:
        return
    start = monday(project.first)
    while start <= facts.as_of.date():
        begin = midnight(start)
        end = begin + WEEK
        yield Week(begin, min(end, facts.as_of), is_complete=end <= facts.as_of)
        start += WEEK


def _row(facts: Facts, project: Project, week: Week) -> Row:
    return {
        "project_week_id": f"{project.id}-{week.start.date()}",
        "project_id": project.id,
        "project_slug": facts.slugs[project.id],
        **_opened(project, week),
        **_assigned(project, week),
        **_resolved(project, week),
        **_load(project, week),
        **_hours(project, week),
        "is_complete_week": week.is_complete,
        "week_start_date": week.start.date(),
        "as_of": facts.as_of,
    }


def _opened(project: Project, week: Week) -> Row:
    opened = [one for one in project.episodes if week.holds(one.opening.at)]
    waits = [one.hours_to_first_assignment for one in opened]
    known = [wait for wait in waits if wait is not None]
    subjects = [
        (one.open_hours if wait is None else wait, wait is not None)
        for one, wait in zip(opened, waits, strict=True)
    ]
    return {
        "opened_count": len(opened),
        "opened_and_assigned_count": len(known),
        "first_assigned_count": sum(
            week.holds(min(one.assigned_at, default=None)) for one in project.episodes
        ),
        "naive_median_hours_to_assignment": median(known) if known else None,
        "km_median_hours_to_assignment": survival(subjects).median,
    }


def _assigned(project: Project, week: Week) -> Row:
    begun = [one for one in project.assignments if week.holds(one.begin)]
    sources = Counter(one.source for one in begun)
    return {
        "assignment_count": len(begun),
        **{f"{name}_assignment_count": sources[name] for name in ("user", "team", "auto")},
        "handoff_count": sum(one.is_handoff for one in begun),
        "ping_pong_count": sum(one.is_ping_pong for one in begun),
    }


def _resolved(project: Project, week: Week) -> Row:
    resolved = [one for one in project.episodes if one.is_resolved and week.holds(one.end)]
    return {
        "resolved_count": len(resolved),
        "resolved_unassigned_count": sum(not one.is_assigned_at_close for one in resolved),
    }


def _load(project: Project, week: Week) -> Row:
    is_open = [
        one
        for one in project.episodes
        if one.opening.at < week.end and (one.closing is None or one.closing.at >= week.end)
    ]
    holders = [holder(one.assignments, week.end) for one in is_open]
    shares = Counter(holder for holder in holders if holder is not None)
    total = shares.total()
    return {
        "open_count": len(is_open),
        "assigned_open_count": total,
        "assignee_count": len(shares),
        "assignee_hhi": sum((count / total) ** 2 for count in shares.values()) if total else None,
        "top_assignee_share": max(shares.values()) / total if total else None,
    }


def holder(spans: Sequence[Assignment], at: datetime) -> str | None:
    """Return who had an issue right before a moment."""
    return next((one.assignee for one in spans if one.holds_before(at)), None)


def _hours(project: Project, week: Week) -> Row:
    is_open = assigned = NOTHING
    for one in project.episodes:
        is_open += week.overlap(one.opening.at, one.end)
        for span in one.assignments:
            begin, end = max(span.begin, one.opening.at), min(span.end or one.end, one.end)
            assigned += week.overlap(begin, end)
    open_hours, unassigned = (time / timedelta(hours=1) for time in (is_open, is_open - assigned))
    return {
        "open_hours": open_hours,
        "unassigned_hours": unassigned,
        "unassigned_share": ratio(unassigned, open_hours),
    }

"""`assignment_load`: what each assignee got, held and resolved, by project and week."""

from collections import defaultdict
from datetime import datetime, timedelta

from tests.integration.truth.assignments import Assignment
from tests.integration.truth.facts import Facts
from tests.integration.truth.formulas import ratio
from tests.integration.truth.ledger import Row
from tests.integration.truth.patterns import NOTHING, Project, Week, holder, projects, weeks


def assignment_load(facts: Facts) -> list[Row]:
    """Return the rows of the mart."""
    kinds: dict[str, str] = {}
    found = []
    for project in projects(facts):
        kinds |= {one.assignee: one.kind for one in project.assignments}
        for week in weeks(facts, project):
            found += _rows(facts, project, week, kinds)
    return found


def _rows(facts: Facts, project: Project, week: Week, kinds: dict[str, str]) -> list[Row]:
    counts: dict[str, Row] = defaultdict(_nothing)
    _assigned(project, week, counts)
    _held(project, week, counts)
    total = sum(row["open_count"] for row in counts.values())
    return [
        {
            "assignment_load_id": f"{project.id}-{key}-{week.start.date()}",
            "project_id": project.id,
            "project_slug": facts.slugs[project.id],
            "assignee_key": key,
            "assignee_type": kinds[key],
            **row,
            "held_hours": row["held_hours"] / timedelta(hours=1),
            "open_share": ratio(row["open_count"], total),
            "is_complete_week": week.is_complete,
            "week_start_date": week.start.date(),
            "as_of": facts.as_of,
        }
        for key, row in counts.items()
    ]


def _nothing() -> Row:
    names = (
        "assignment_count",
        "handoff_in_count",
        "handoff_out_count",
        "ping_pong_count",
        "resolved_count",
        "open_count",
    )
    return {**dict.fromkeys(names, 0), "held_hours": NOTHING}


def _assigned(project: Project, week: Week, counts: dict[str, Row]) -> None:
    for one in project.assignments:
        if not week.holds(one.begin):
            continue
        counts[one.assignee]["assignment_count"] += 1
        if one.is_handoff:
            counts[one.assignee]["handoff_in_count"] += 1
            counts[one.earlier[-1]]["handoff_out_count"] += 1
        counts[one.assignee]["ping_pong_count"] += one.is_ping_pong


def _held(project: Project, week: Week, counts: dict[str, Row]) -> None:
    for one in project.episodes:
        for span in one.assignments:
            begin, end = _within(span, one.opening.at, one.end)
            if begin < week.end and end > week.start:
                counts[span.assignee]["held_hours"] += week.overlap(begin, end)
        is_open = one.opening.at < week.end and (one.closing is None or one.closing.at >= week.end)
        held_by = holder(one.assignments, week.end) if is_open else None
        if held_by is not None:
            counts[held_by]["open_count"] += 1
        if one.closing is not None and one.is_resolved and week.holds(one.closing.at):
            resolver = holder(one.assignments, one.closing.at)
            if resolver is not None:
                counts[resolver]["resolved_count"] += 1


def _within(span: Assignment, opened: datetime, closed: datetime) -> tuple[datetime, datetime]:
    return max(span.begin, opened), min(span.end or closed, closed)

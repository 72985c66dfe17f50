"""A Sentry organization small enough to compute every mart by hand.

Project 1 has four releases and six issues, project 2 nothing at all, project 3 a single error and
no entry in Sentry's list. The clock stands at Monday 2026-03-30 12:00.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args

from dlt_sources.sentry import tables
from dlt_sources.sentry.tables import Row

AS_OF = datetime(2026, 3, 30, 12, tzinfo=UTC)


def at(day: int, hour: int = 0) -> datetime:
    """A moment in March 2026."""
    return datetime(2026, 3, day, hour, tzinfo=UTC)


def row(kind: type[Row], **values: Any) -> Row:
    """A row with null in every column that is not given."""
    return kind(**{**dict.fromkeys(kind.__struct_fields__), **values})


def issue(issue_id: str, level: str, first_seen: datetime | None, **values: Any) -> Row:
    """An error of project 1, unresolved and read at the clock's time unless told otherwise."""
    usual = {
        "project_id": "1",
        "status": "unresolved",
        "issue_category": "error",
        "observed_at": AS_OF,
    }
    return row(
        tables.IssueRow, id=issue_id, level=level, first_seen=first_seen, **{**usual, **values}
    )


def activity(issue_id: str, kind: str, when: datetime, **values: Any) -> Row:
    """Something that happened to an issue."""
    key = f"{issue_id}-{kind}-{when.isoformat()}"
    return row(
        tables.IssueActivityRow, id=key, issue_id=issue_id, type=kind, date_created=when, **values
    )


def volume(issue_id: str, day: int, release: str, count: int) -> Row:
    """Events of an issue of project 1 on a day of March."""
    return tables.IssueReleaseVolumeRow(date(2026, 3, day), "1", issue_id, release, count)


def errors(project_id: str, hour: datetime, quantity: int, outcome: str = "accepted") -> Row:
    """Errors of a project in an hour."""
    return tables.ProjectErrorVolumeRow(project_id, hour, outcome, quantity)


def release(release_id: int, when: datetime) -> Row:
    """A release whose version is v and its id."""
    return row(
        tables.ReleaseRow,
        id=release_id,
        version=f"v{release_id}",
        status="open",
        date_released=when,
        new_groups=0,
        commit_count=release_id,
        deploy_count=0,
    )


def load_run(run_id: str, as_of: datetime, **values: Any) -> Row:
    """A load that came to its end and left no history unread, unless told otherwise."""
    counters = [
        name
        for name, kind in tables.LoadRunRow.__annotations__.items()
        if get_args(kind)[0] in {int, float}
    ]
    flags = {"is_first": False, "is_complete": True, "is_backfilled": True}
    given = {**dict.fromkeys(counters, 0), **flags, **values}
    return row(tables.LoadRunRow, run_id=run_id, as_of=as_of, **given)


def coverage(subject: str, name: str, status: str, since: datetime, **values: Any) -> Row:
    """What is covered of something, since when."""
    return row(
        tables.LoadCoverageRow, subject=subject, name=name, status=status, since=since, **values
    )


ISSUES = [
    issue("A", "error", at(10, 2), assignee_type="user", assignee_key="k"),
    issue("B", "fatal", at(10, 13), observed_at=at(20)),
    issue("C", "warning", at(3), status="resolved"),
    issue("D", "error", at(4), observed_at=at(6), tombstone="merged", merged_into="C"),
    issue("E", "error", None),
    issue("F", "error", at(3), status="resolved", auto_resolved=True, observed_at=at(20)),
]

ACTIVITIES = [
    activity("A", "first_seen", at(10, 2)),
    activity("A", "assigned", at(10, 5), assignee_type="user", assignee_key="k"),
    activity("A", "assigned", at(10, 6), assignee_type="user", assignee_key="m"),
    activity("A", "assigned", at(10, 7), assignee_type="user", assignee_key="k"),
    activity("A", "set_resolved_in_release", at(11, 2), version="v3"),
    activity("A", "set_regression", at(12, 2), version="v3"),
    activity("B", "set_ignored", at(11, 13)),
    activity("C", "set_resolved", at(5)),
]

VOLUMES = [
    volume("A", 10, "v2", 60),
    volume("A", 12, "v3", 5),
    volume("B", 10, "v3", 10),
    volume("C", 3, "v1", 5),
    volume("D", 4, "v1", 7),
    volume("F", 3, "v1", 1),
]

# Four errors a day but on the 15th, then a spike; what came after the clock's time is not counted.
ERRORS = [
    *(errors("1", at(1, 10) + timedelta(days=n), 4) for n in range(28) if n != 14),
    errors("1", at(29, 10), 15),
    errors("1", at(29, 10), 5, outcome="filtered"),
    errors("1", at(30, 11), 3),
    errors("1", at(30, 13), 100),
    errors("3", at(30, 11), 1),
]

ROWS: dict[str, Sequence[Row]] = {
    "organizations": [tables.OrganizationRow("1", "acme", "active", at(1))],
    "projects": [
        row(tables.ProjectRow, id="1", slug="shop"),
        row(tables.ProjectRow, id="2", slug="quiet"),
    ],
    "releases": [release(1, at(2)), release(2, at(10)), release(3, at(10, 12)), release(4, at(29))],
    "release_projects": [tables.ReleaseProjectRow(n, "1", 0) for n in (1, 2, 3, 4)],
    "issues": ISSUES,
    "issue_activities": ACTIVITIES,
    "issue_release_volume": VOLUMES,
    "project_error_volume": ERRORS,
    "load_runs": [
        load_run("r1", AS_OF - timedelta(days=1), is_first=True),
        load_run("r2", AS_OF),
    ],
}

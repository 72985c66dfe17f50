"""What happened to issues: their activities."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from dlt_sources.sentry import endpoints
from dlt_sources.sentry.allowlist import ActivityFeed
from dlt_sources.sentry.context import Load
from dlt_sources.sentry.errors import AccessDenied, NotFound
from dlt_sources.sentry.known import changed, known_rows
from dlt_sources.sentry.parallel import chunks
from dlt_sources.sentry.rows import activity_row, first_seen_row
from dlt_sources.sentry.tables import IssueActivityRow, IssueHistoryRow, IssueRow

T = TypeVar("T")

AT_ONCE = 10
"""Histories that a thread reads before it hands them over."""

SHOWN = 100
"""Activities that Sentry shows at most (`ActivityManager.get_activities_for_group`)."""


@dataclass(frozen=True, slots=True)
class Histories:
    """What was read of issues' histories.

    Attributes:
        activities: Activities that are new, or differ from what is stored.
        histories: A row for each issue looked into.
    """

    activities: list[IssueActivityRow]
    histories: list[IssueHistoryRow]


@dataclass(frozen=True, slots=True)
class _Part(Generic[T]):
    """What a thread reads at once.

    Attributes:
        issue_ids: Of which issues.
        ends: What is wanted, if this is the last part of it.
    """

    issue_ids: list[str]
    ends: tuple[T, Sequence[str]] | None = None


def explain(load: Load, issue_ids: Sequence[str]) -> Histories:
    """Read the activities of issues, at most the latest 100 of each.

    Reading them leaves no trace at Sentry, while reading an issue's details counts as a view by the
    connecting user (`issues/endpoints/group_details.py`).
    """
    [(_, found)] = explained(load, [(None, issue_ids)])
    return found


def explained(
    load: Load, wanted: Iterable[tuple[T, Sequence[str]]]
) -> Iterator[tuple[T, Histories]]:
    """Read the activities of issues, some after the other; see `explain`.

    While some are looked at, those of the next ones are under way.

    Args:
        load: The load.
        wanted: Ids of issues, with what they are wanted for.
    """
    rows: list[tuple[str, list[IssueActivityRow]]] = []
    read = load.workers.in_order(
        lambda part: (part.ends, _some(load, part.issue_ids)), _parts(wanted)
    )
    for ends, some in read:
        rows += some
        if ends is not None:
            purpose, issue_ids = ends
            yield purpose, _histories(load, issue_ids, rows)
            rows = []


def _parts(wanted: Iterable[tuple[T, Sequence[str]]]) -> "Iterator[_Part[T]]":
    for purpose, issue_ids in wanted:
        *most, last = [*chunks(list(issue_ids), AT_ONCE)] or [[]]
        yield from (_Part(some) for some in most)
        yield _Part(last, (purpose, issue_ids))


def _histories(
    load: Load, issue_ids: Sequence[str], read: Iterable[tuple[str, list[IssueActivityRow]]]
) -> Histories:
    """Return what was read of issues, and remember that it was."""
    if not issue_ids:
        return Histories([], [])
    activities: list[IssueActivityRow] = []
    histories: list[IssueHistoryRow] = []
    for issue_id, rows in read:
        activities += rows
        histories.append(_history(load, issue_id, rows))
    load.counts["histories_read"] += len(issue_ids)
    load.histories.update(row.issue_id for row in histories)
    load.progress("histories", load.counts["histories_read"], None)
    known = _known_activities(load, issue_ids)
    return Histories(changed("issue_activities", activities, known, load.checks.settle), histories)


def first_seen(load: Load, issues: Iterable[IssueRow]) -> list[IssueActivityRow]:
    """Return the only activity of issues of which nothing else is known."""
    return [
        load.checks.settle(first_seen_row(issue, issue.first_seen))
        for issue in issues
        if issue.first_seen is not None
    ]


def _some(load: Load, issue_ids: list[str]) -> list[tuple[str, list[IssueActivityRow]]]:
    """Return the activities of some issues; those that are hidden are left out."""
    read = ((issue_id, _one(load, issue_id)) for issue_id in issue_ids)
    return [(issue_id, rows) for issue_id, rows in read if rows is not None]


def _one(load: Load, issue_id: str) -> list[IssueActivityRow] | None:
    """Return an issue's activities; none if it has gone since it was listed, None if hidden."""
    try:
        feed = load.client.get(endpoints.ISSUE_ACTIVITIES, ActivityFeed, issue=issue_id)
    except AccessDenied:
        return None
    except NotFound:
        return []
    return [
        activity_row(activity, issue_id, load.pseudonyms, load.warnings)
        for activity in feed.activity
    ]


def _history(load: Load, issue_id: str, rows: Sequence[IssueActivityRow]) -> IssueHistoryRow:
    return IssueHistoryRow(
        issue_id=issue_id,
        read_at=load.as_of,
        activities=len(rows),
        is_cut_off=len(rows) >= SHOWN,
        last_activity_at=max((row.date_created for row in rows), default=None),
    )


def _known_activities(
    load: Load, issue_ids: Sequence[str]
) -> dict[tuple[object, ...], IssueActivityRow]:
    """Return the stored activities of issues; nothing is asked for those that are all new."""
    stored = [issue_id for issue_id in issue_ids if issue_id in load.issues]
    if not stored:
        return {}
    ids = ", ".join(f"'{issue_id}'" for issue_id in stored if issue_id.isdecimal())
    return known_rows(load.known, "issue_activities", IssueActivityRow, f"issue_id in ({ids})")

"""Which issues changed: discover, sweep, and where the missing ones went.

Sentry has no "updated since" for issues, and its search only finds issues with events in the
window. So a load *discovers* by search what had events, and *sweeps* every other known issue by
reading it by id, which shows the status, assignee and priority of quiet issues too.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from dlt_sources.sentry import endpoints
from dlt_sources.sentry.allowlist import Issue, IssueIdentity
from dlt_sources.sentry.client import Params
from dlt_sources.sentry.context import RETENTION, Load, iso
from dlt_sources.sentry.errors import AccessDenied, NotFound, UnexpectedResponse
from dlt_sources.sentry.known import Key, differs, known_rows
from dlt_sources.sentry.rows import issue_row
from dlt_sources.sentry.tables import IssueRow

OVERLAP = timedelta(hours=6)
"""Events may arrive that much late and still be found."""

SETTLING = timedelta(minutes=5)
"""Events this young may still be on their way into Sentry's event store."""

SLICE = timedelta(days=7)
"""Width of a search window. Sentry answers a wide one slowly, and past 30 s only in part."""

BULK = 100
"""Issues read by id in one request; Sentry's own page asks for no more at once."""

OUT_OF_REACH = "out_of_reach"
"""The tombstone of an issue in a project that is hidden from us, perhaps not forever."""

WITHOUT_COUNTERS = ["stats", "lifetime", "filtered", "unhandled"]
"""Parts of an issue to leave out, so that reading it costs Sentry no look into its event store."""

WITH_COUNTERS = ["filtered"]
"""Parts of an issue to leave out where its counters are wanted."""

REASONS: dict[str, tuple[str, ...]] = {
    "status": (
        "status",
        "substatus",
        "in_release",
        "in_next_release",
        "auto_resolved",
        "ignore_until",
        "ignore_count",
        "ignore_window",
        "tombstone",
        "project_id",
    ),
    "assignee": ("assignee_type", "assignee_key"),
    "priority": ("priority", "priority_locked_at"),
    "progress": ("last_progressed_at",),
}
"""Columns in which a change means that something happened to the issue, by kind of change."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Issues new or changed.

    Attributes:
        rows: Their rows.
        explain: Ids of those whose history grew, and not only their counters.
    """

    rows: list[IssueRow]
    explain: list[str]


def issue_batches(load: Load, searched_until: Mapping[str, datetime]) -> Iterator[Batch]:
    """Yield the issues that are new or changed, each at most once.

    Args:
        load: The load's context.
        searched_until: End of the last complete search, by project. A project without one, new or
            back in reach, is searched as far back as Sentry retains.
    """
    known = known_rows(load.known, "issues", IssueRow)
    previous = known | known_rows(load.known, "issues", IssueRow, finished=False)
    seen: set[str] = set()
    for issues in _discover(load, searched_until):
        unseen = {issue.id: issue for issue in issues if issue.id not in seen}
        seen.update(unseen)
        load.issues_read += len(unseen)
        yield _keep_changed(load, _rows(load, unseen.values(), previous), known)
    quiet = sorted(row.id for row in previous.values() if row.tombstone in {None, OUT_OF_REACH})
    yield from _sweep(load, [id_ for id_ in quiet if id_ not in seen], seen, previous, known)


def search_end(load: Load) -> datetime:
    """Return the end of the searched window, pinned for all of its pages."""
    return load.as_of - SETTLING


def _discover(load: Load, searched_until: Mapping[str, datetime]) -> Iterator[list[Issue]]:
    """Yield pages of the issues with events since each project's last search."""
    latest = max(searched_until.values(), default=None)
    yield from _search(load, -1, latest)
    for project_id in load.readable_project_ids:
        if (own := searched_until.get(project_id)) != latest:
            yield from _search(load, project_id, own)


def _search(load: Load, project: int | str, since: datetime | None) -> Iterator[list[Issue]]:
    """Yield pages of the issues with events in the window, newest window first.

    `sort=new` orders by first seen, which does not move while pages are read; the empty `query`
    finds all statuses and must really be sent (it defaults to `is:unresolved`).
    """
    end = search_end(load)
    retained = load.as_of - RETENTION
    start = max(since - OVERLAP, retained) if since else retained
    while end > start:
        slice_start = max(start, end - SLICE)
        params: Params = {
            "project": project,
            "query": "",
            "sort": "new",
            "limit": 100,
            "groupStatsPeriod": "",
            "collapse": WITH_COUNTERS,
            "start": iso(slice_start),
            "end": iso(end),
        }
        yield from load.client.pages(endpoints.ISSUES, list[Issue], params)
        end = slice_start


def _sweep(
    load: Load,
    ids: list[str],
    discovered: set[str],
    previous: Mapping[Key, IssueRow],
    known: Mapping[Key, IssueRow],
) -> Iterator[Batch]:
    """Yield those of the issues that changed, read by their ids.

    An issue that others were merged into is read again with its counters: they and its history now
    hold theirs, and a search shows it only with its next event.
    """
    rows: dict[str, IssueRow] = {}
    for batch in _bulks(ids):
        issues = _read_by_id(load, batch, WITHOUT_COUNTERS)
        missing = sorted(set(batch) - {issue.id for issue in issues})
        lost = [_lost(load, previous[id_,]) for id_ in missing]
        for row in (*_rows(load, issues, previous), *lost):
            if _reason(row, known.get((row.id,))) is not None:
                rows[row.id] = row
    survivors = {row.merged_into for row in rows.values() if row.merged_into is not None}
    for batch in _bulks(sorted(survivors - discovered)):
        issues = _read_by_id(load, batch, WITH_COUNTERS)
        rows |= {row.id: row for row in _rows(load, issues, previous)}
    for batch in _bulks(sorted(rows)):
        yield _keep_changed(load, [rows[id_] for id_ in batch], known)
    yield Batch([], sorted(survivors))


def _bulks(ids: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(ids), BULK):
        yield ids[start : start + BULK]


def _read_by_id(load: Load, ids: list[str], collapse: list[str]) -> list[Issue]:
    """Read issues straight from Sentry's database: no window, no retention, any status.

    With `group=` Sentry ignores every search condition; the answer is unordered and leaves out
    what is gone (`issues/endpoints/organization_group_index.py`).
    """
    load.issues_read += len(ids)
    params: Params = {"project": -1, "group": ids, "groupStatsPeriod": "", "collapse": collapse}
    pages = load.client.pages(endpoints.ISSUES, list[Issue], params)
    issues = [issue for page in pages for issue in page]
    if not {issue.id for issue in issues} <= set(ids):
        raise UnexpectedResponse(
            "Sentry ignored `group=` and answered with other issues than were asked for. Update "
            "corvana-sentry, or report it with this sentence."
        )
    return issues


def _rows(load: Load, issues: Iterable[Issue], previous: Mapping[Key, IssueRow]) -> list[IssueRow]:
    return [
        issue_row(issue, previous.get((issue.id,)), load.pseudonyms, load.as_of) for issue in issues
    ]


def _keep_changed(load: Load, rows: list[IssueRow], known: Mapping[Key, IssueRow]) -> Batch:
    """Return those of the rows that differ from the known ones, and count why."""
    batch = Batch([], [])
    for row in rows:
        reason = _reason(row, known.get((row.id,)))
        if reason is None:
            continue
        load.changes[reason] += 1
        batch.rows.append(row)
        if reason != "counters" and row.tombstone is None:
            batch.explain.append(row.id)
    return batch


def _reason(row: IssueRow, known: IssueRow | None) -> str | None:
    """Return why a row has to be written, or None if nothing changed."""
    if known is None:
        return "new"
    for reason, columns in REASONS.items():
        if any(getattr(row, name) != getattr(known, name) for name in columns):
            return reason
    return "counters" if differs(row, known, ignoring=("observed_at",)) else None


def _lost(load: Load, row: IssueRow) -> IssueRow:
    """Return the row of an issue that its id no longer finds: merged, deleted, or out of reach.

    A merged issue's address answers with the issue that survived
    (`api/helpers/group_index`, `get_group_with_redirect`).
    """
    if row.project_id not in load.readable_project_ids:
        return _with_tombstone(load, row, OUT_OF_REACH)
    try:
        found = load.client.get(
            endpoints.ISSUE,
            IssueIdentity,
            {"collapse": ["release", "stats", "tags"]},
            issue=row.id,
        )
    except NotFound:
        return _with_tombstone(load, row, "deleted")
    except AccessDenied:
        return _with_tombstone(load, row, OUT_OF_REACH)
    if found.id == row.id:
        return row
    return _with_tombstone(load, row, "merged", found.id)


def _with_tombstone(
    load: Load, row: IssueRow, tombstone: str, merged_into: str | None = None
) -> IssueRow:
    return msgspec.structs.replace(
        row, tombstone=tombstone, merged_into=merged_into, observed_at=load.as_of
    )

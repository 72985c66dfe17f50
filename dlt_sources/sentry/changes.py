"""Which issues changed: discover, sweep, and where the missing ones went.

Sentry has no "updated since" for issues, and its search only finds issues with events in the
window. So a load *discovers* by search what had events, and *sweeps* the other known issues by
reading them by id, which shows the status, assignee and priority of quiet issues too: the open and
the recently touched ones every time, all of them once a day.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from dlt_sources.sentry import endpoints
from dlt_sources.sentry.allowlist import Issue, IssueIdentity
from dlt_sources.sentry.by_id import Answer, read_by_id
from dlt_sources.sentry.context import RETENTION, Load
from dlt_sources.sentry.errors import AccessDenied, NotFound
from dlt_sources.sentry.known import OUT_OF_REACH, differs, is_hot
from dlt_sources.sentry.parallel import chunks
from dlt_sources.sentry.rows import issue_row
from dlt_sources.sentry.search import ALL_PROJECTS, WITH_COUNTERS, Search, search
from dlt_sources.sentry.tables import IssueRow
from dlt_sources.sentry.watermarks import is_due

OVERLAP = timedelta(hours=6)
"""Events may arrive that much late and still be found."""

GATHERED = 100
"""Issues found changed by the sweep whose histories are read together: what is known of these is
asked for at once, and a hundred issues that are swept hold few of them."""

HIDDEN_AT_ONCE = 500
"""Issues of hidden projects written at once."""

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
        untouched: Those of which nothing is known but when they were first seen.
    """

    rows: list[IssueRow] = field(default_factory=list)
    explain: list[str] = field(default_factory=list)
    untouched: list[IssueRow] = field(default_factory=list)

    def with_(self, others: "Iterable[Batch]") -> "Batch":
        """Return this batch and others as one; a later row of an issue replaces an earlier one."""
        batches = [self, *others]
        return Batch(
            list({row.id: row for batch in batches for row in batch.rows}.values()),
            list(dict.fromkeys(one for batch in batches for one in batch.explain)),
            [row for batch in batches for row in batch.untouched],
        )


def changed_issues(load: Load) -> Iterator[Batch]:
    """Yield the known issues that changed, and new ones with events, each at most once.

    What happened before a project was first searched is for its backfill to find.
    """
    for issues in _discovered(load):
        yield batch_of(load, issues)
    yield from _swept(load)


def batch_of(load: Load, issues: Iterable[Issue], *, again_since: datetime | None = None) -> Batch:
    """Return the new and changed ones of issues as read, leaving out what the load met before.

    Args:
        load: The load.
        issues: Issues as a search shows them.
        again_since: Read the history of all of them, changed or not, that were not read since.
    """
    met = load.seen
    if again_since is not None:
        met = load.histories
        if load.as_of > again_since:  # a load that goes on where the one that was asked stopped
            met = met | load.issues.read_since(again_since)
    unseen = {issue.id: issue for issue in issues if issue.id not in met}
    load.seen.update(unseen)
    load.counts["issues_read"] += len(unseen)
    again = again_since is not None
    return _keep_changed(load, _rows(load, unseen.values(), again=again), again=again)


def _discovered(load: Load) -> Iterator[list[Issue]]:
    """Yield pages of the issues with events since each project's last search.

    Not those of projects whose history begins to be read now, up to the same moment.
    """
    begun = _begun(load)
    searched = {
        one: until for one, until in load.watermarks.searched_until.items() if one not in begun
    }
    latest = max(searched.values(), default=None)
    if latest is None:
        return
    yield from search(load, _since(load, ALL_PROJECTS, latest))
    for project_id in load.readable_project_ids:
        own = searched.get(project_id)
        if own is None or own == latest:
            continue
        try:
            yield from search(load, _since(load, project_id, own))
        except AccessDenied:
            load.lose(f"project {project_id}", "access_lost")


def _begun(load: Load) -> set[str]:
    """Return the projects whose whole history this load goes on to read, if it has time for any."""
    marks = load.watermarks
    if not load.has_time:
        return set()
    backfills = [one for one in marks.backfills if one.end == load.search_end and not one.again]
    return {id_ for one in backfills for id_ in one.projects or marks.searched_until}


def _since(load: Load, project: str | int, moment: datetime) -> Search:
    start = max(moment - OVERLAP, load.as_of - RETENTION)
    return Search(project, min(start, load.search_end - OVERLAP), load.search_end)


def _swept(load: Load) -> Iterator[Batch]:
    """Yield those of the other known issues that changed, read by their ids.

    An issue that others were merged into is read again with its counters and its history: they now
    hold theirs, and a search shows it only with its next event.
    """
    is_full = is_due(load.watermarks.swept_at, load.as_of)
    wanted = _to_sweep(load, is_full=is_full)
    done, gathered = 0, Batch()
    for answer in read_by_id(load, wanted):
        load.counts["issues_read"] += len(answer.issues)
        # A survivor may have been read already, with its counters.
        issues = [issue for issue in answer.issues if issue.id not in load.seen]
        load.seen.update(issue.id for issue in issues)
        batch = _keep_changed(load, [*_rows(load, issues), *_gone(load, answer)])
        # With the survivors, so that no tombstone is known whose survivor was not read.
        survivors = {row.merged_into: row.project_id for row in batch.rows if row.merged_into}
        gathered = gathered.with_([batch, *_survivors(load, survivors)])
        if len(gathered.rows) >= GATHERED:
            yield gathered
            gathered = Batch()
        done += len(answer.issues) + len(answer.missing)
        load.progress("known issues", done, wanted.num_rows)
    yield gathered
    yield from _hidden(load)
    if is_full:
        load.watermarks.swept_at = load.as_of


def _to_sweep(load: Load, *, is_full: bool) -> pa.Table:
    """Return the issues to be read by id, those already met left out; each with its project.

    What came back in reach is always among them, and so is what a load that was cut off has left.
    """
    issues = load.issues.present(load.readable_project_ids)
    is_wanted = pc.and_(_is_readable(load, issues), pc.invert(_is_seen(load, issues)))
    if not is_full:
        is_due_now = pc.or_(is_hot(issues, load.as_of), pc.is_valid(issues["tombstone"]))
        is_wanted = pc.and_(is_wanted, pc.or_(is_due_now, issues["is_cut_off"]))
    return issues.filter(is_wanted).select(["id", "project_id"])


def _is_seen(load: Load, issues: pa.Table) -> pa.ChunkedArray:
    return pc.is_in(issues["id"], pa.array(load.seen, pa.string()))


def _is_readable(load: Load, issues: pa.Table) -> pa.ChunkedArray:
    return pc.is_in(issues["project_id"], pa.array(load.readable_project_ids, pa.string()))


def _hidden(load: Load) -> Iterator[Batch]:
    """Yield the issues of projects that are hidden from us, or gone with all they hold."""
    issues = load.issues.present(load.readable_project_ids)
    is_readable = _is_readable(load, issues)
    is_hidden = pc.invert(pc.or_(is_readable, _is_seen(load, issues)))
    for some in chunks(issues.filter(is_hidden)["id"].to_pylist(), HIDDEN_AT_ONCE):
        stored = load.issues.stored(some).values()
        yield _keep_changed(load, [_with_tombstone(load, row, OUT_OF_REACH) for row in stored])


def _survivors(load: Load, project_of: Mapping[str, str]) -> Iterator[Batch]:
    """Yield the issues into which others were merged, with counters and history.

    Issues are merged within a project, so a survivor that is not known yet has that of the other.
    """
    if not project_of:
        return
    wanted = pa.table({"id": list(project_of), "project_id": list(project_of.values())})
    for answer in read_by_id(load, wanted, WITH_COUNTERS):
        load.counts["issues_read"] += len(answer.issues)
        load.seen.update(issue.id for issue in answer.issues)
        yield _keep_changed(load, _rows(load, answer.issues, again=True), again=True)


def _rows(load: Load, issues: Iterable[Issue], *, again: bool = False) -> list[IssueRow]:
    """Return rows of issues; what was not read of one is as it was stored.

    Args:
        load: The load.
        issues: Issues as read.
        again: Those that say nothing new, too.
    """
    rows = [issue_row(issue, load.pseudonyms, load.as_of) for issue in issues]
    unchanged = set() if again else load.issues.unchanged(rows)
    news = [row for row in rows if row.id not in unchanged]
    stored = load.issues.stored(row.id for row in news)
    return [load.checks.settle(row, _without_tombstone(stored.get(row.id))) for row in news]


def _without_tombstone(row: IssueRow | None) -> IssueRow | None:
    """Return a stored row as the one of an issue that is there."""
    if row is None or row.tombstone is None:
        return row
    return msgspec.structs.replace(row, tombstone=None, merged_into=None)


def _keep_changed(load: Load, rows: Iterable[IssueRow], *, again: bool = False) -> Batch:
    """Return those of the rows that differ from the known ones, and count why."""
    batch = Batch()
    listed = list(rows)
    settled = load.issues.settled(row.id for row in listed)
    for row in listed:
        known = settled.get(row.id)
        reason = _reason(row, known)
        if reason is not None:
            load.changes[reason] += 1
            batch.rows.append(row)
        is_grown = reason not in {None, "counters", "lost", "returned"}
        if row.tombstone is not None or not (again or is_grown):
            continue
        if again or known is not None or is_touched(row):
            batch.explain.append(row.id)
        else:
            batch.untouched.append(row)
    return batch


def is_touched(row: IssueRow) -> bool:
    """Tell whether anything but its first event ever happened to an issue, as far as it shows.

    A new issue becomes ongoing by itself after a week.
    """
    if row.status != "unresolved" or row.substatus not in {"new", "ongoing", None}:
        return True
    progressed = row.last_progressed_at
    has_progress = progressed is not None and (
        row.first_seen is None or progressed - row.first_seen > timedelta(minutes=1)
    )
    return row.assignee_key is not None or row.priority_locked_at is not None or has_progress


def _reason(row: IssueRow, known: IssueRow | None) -> str | None:
    """Return why a row has to be written, or None if nothing changed."""
    if row.tombstone is not None:
        return "lost" if known is None or known.tombstone != row.tombstone else None
    if known is None:
        return "new"
    for reason, columns in REASONS.items():
        if any(getattr(row, name) != getattr(known, name) for name in columns):
            return reason
    if known.tombstone is not None:
        return "returned"
    return "counters" if differs(row, known, ignoring=("observed_at",)) else None


def _gone(load: Load, answer: Answer) -> list[IssueRow]:
    """Return the rows of issues that their ids no longer find, with what became of them."""
    stored = load.issues.stored(answer.missing)
    return list(load.workers.in_order(lambda one: _what_became_of(load, one), stored.values()))


def _what_became_of(load: Load, row: IssueRow) -> IssueRow:
    """Return a lost issue's row: merged, deleted, or out of reach.

    A merged issue's address answers with the issue that survived
    (`api/helpers/group_index`, `get_group_with_redirect`).
    """
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
    if row.tombstone == tombstone:
        return row
    return msgspec.structs.replace(
        row, tombstone=tombstone, merged_into=merged_into, observed_at=load.as_of
    )

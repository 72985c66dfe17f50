"""What is covered: reported with every load, and not assumed."""

from collections.abc import Iterator
from datetime import date, datetime

from msgspec.structs import replace

from dlt_sources.sentry.context import Load
from dlt_sources.sentry.known import Key, known_rows
from dlt_sources.sentry.tables import TABLES, LoadCoverageRow, LoadRunRow
from dlt_sources.sentry.watermarks import midnight

BACKFILLED = {
    "issues": "issues_from",
    "issue_activities": "issues_from",
    "issue_histories": "issues_from",
    "issue_release_volume": "days_from",
}
"""Tables that a backfill fills, and which of its marks says from when on they are complete."""

NEEDED_BY = {
    "environments": "environments",
    "releases": "releases",
    "release_projects": "releases",
    "deploys": "deploys",
    "issue_release_volume": "issue_release_volume",
}
"""Tables that one lost resource leaves behind."""


class Coverage:
    """What is covered, as stored and as it is now.

    Args:
        load: The load.
    """

    def __init__(self, load: Load) -> None:
        self._load = load
        self._stored: dict[Key, LoadCoverageRow] = known_rows(
            load.known, "load_coverage", LoadCoverageRow
        )

    def changed(self) -> list[LoadCoverageRow]:
        """Return the rows that differ from the stored ones, which they are from now on."""
        changed = []
        for row in self._rows():
            key = (row.subject, row.name)
            before = self._stored.get(key)
            is_dated = before is not None and before.status == row.status
            if before is not None and is_dated and row.subject != "warning":
                row = replace(row, since=before.since)  # noqa: PLW2901 - the same, dated
            if row != before:
                self._stored[key] = row
                changed.append(row)
        return changed

    def _rows(self) -> Iterator[LoadCoverageRow]:
        yield from self._projects()
        for table in TABLES:
            if not table.startswith("load_"):
                yield self._table(table)
        server = self._load.watermarks.server
        yield self._row(
            "endpoint",
            "issues-timeseries",
            None if server.counts_issues else "unsupported",
            None if server.counts_issues else "not_served",
        )
        for name, works in (
            ("issues are read by their ids", server.reads_by_id),
            ("requests may span projects", server.spans_projects),
        ):
            yield self._row("check", name, None if works else "unsupported", None)
        for name, times in list(self._load.warnings.items()):
            yield self._row("warning", name, "warned", None, actual=times)

    def _projects(self) -> Iterator[LoadCoverageRow]:
        listed = {project.id: project for project in self._load.projects}
        for project_id, project in listed.items():
            reason = self._load.lost.get(f"project {project_id}")
            if project.has_access is False:
                reason = "no_access"
            yield self._row("project", project_id, "lost" if reason else None, reason)
        for row in list(self._stored.values()):
            if row.subject == "project" and row.name not in listed:
                yield self._row("project", row.name, "lost", "not_listed")

    def _table(self, table: str) -> LoadCoverageRow:
        """Return a table's row; of several reasons the first in this order."""
        load = self._load
        expected, actual = self._counts(table)
        if reason := load.lost.get(NEEDED_BY.get(table, table)):
            return self._row("table", table, "lost", reason, expected=expected, actual=actual)
        waiting = [one for one in load.watermarks.backfills if not one.again]
        if table in BACKFILLED and waiting:
            marks = [_as_moment(getattr(one, BACKFILLED[table])) or load.as_of for one in waiting]
            moment = max(marks)
            return self._row("table", table, "partial", "backfilling", moment, expected, actual)
        if table == "issue_release_volume" and (until := load.days_waiting_until) is not None:
            return self._row("table", table, "partial", "days_waiting", until, expected, actual)
        if table == "issues" and not load.watermarks.server.reads_by_id:
            reason = "quiet_issues_unseen"
        elif expected is not None and actual is not None and actual < expected:
            reason = "never_read" if table.startswith("issue_") else "not_found_by_search"
        return self._row(
            "table", table, "partial" if reason else None, reason, None, expected, actual
        )

    def _counts(self, table: str) -> tuple[int | None, int | None]:
        """Return how much there should be of a table, and how much there is, where that is known.

        Of issues, those first seen within the retention; of histories, those of present issues.
        """
        load = self._load
        if table == "issues" and load.watermarks.reconciled is not None:
            return load.watermarks.reconciled.expected, load.watermarks.reconciled.actual
        if table in {"issue_activities", "issue_histories"}:
            return load.present_issues, load.explained_issues
        return None, None

    def _row(  # noqa: PLR0913, PLR0917 - a row has so many columns
        self,
        subject: str,
        name: str,
        status: str | None,
        reason: str | None,
        covered_from: datetime | None = None,
        expected: int | None = None,
        actual: int | None = None,
    ) -> LoadCoverageRow:
        return LoadCoverageRow(
            subject=subject,
            name=name,
            status=status or "complete",
            reason=reason,
            covered_from=covered_from,
            expected=expected,
            actual=actual,
            since=self._load.as_of,
        )


def load_run(load: Load, slices: int, *, is_complete: bool) -> LoadRunRow:
    """Return the load's row, as of now."""
    changes = load.changes
    return LoadRunRow(
        run_id=load.run_id,
        as_of=load.as_of,
        is_first=load.is_first,
        is_complete=is_complete,
        is_backfilled=not load.watermarks.backfills,
        slices=slices,
        requests=load.client.requests,
        retries=load.client.retries,
        waited_s=round(load.client.waited_s, 3),
        rows_written=load.rows.total(),
        issues_read=load.counts["issues_read"],
        issues_changed=changes.total(),
        issues_new=changes["new"],
        issues_lost=changes["lost"],
        issues_status=changes["status"],
        issues_assignee=changes["assignee"],
        issues_priority=changes["priority"],
        issues_progress=changes["progress"],
        issues_counters=changes["counters"],
        histories_read=load.counts["histories_read"],
        histories_audited=load.counts["histories_audited"],
        audit_findings=load.counts["audit_findings"],
        warnings=load.warnings.total(),
    )


def _as_moment(mark: date | datetime | None) -> datetime | None:
    """Return a mark, which is a time or a day, as a time."""
    if mark is None or isinstance(mark, datetime):
        return mark
    return midnight(mark)

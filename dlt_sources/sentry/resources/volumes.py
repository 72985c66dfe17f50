"""How many errors: by project, hour and outcome, and by day, issue and release."""

import logging
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dlt
import pyarrow as pa
from dlt.sources import DltResource

from dlt_sources.sentry import endpoints
from dlt_sources.sentry.allowlist import IssueReleaseCounts, OutcomeStats
from dlt_sources.sentry.client import Params
from dlt_sources.sentry.context import Load, day_start, iso
from dlt_sources.sentry.errors import AccessDenied, OutsideRetention
from dlt_sources.sentry.known import Key, changed, known_rows
from dlt_sources.sentry.resources import table_resource
from dlt_sources.sentry.rows import error_volume_rows, issue_release_volume_row
from dlt_sources.sentry.tables import IssueReleaseVolumeRow, ProjectErrorVolumeRow

log = logging.getLogger(__name__)

LATE = timedelta(hours=48)
"""Counts may still grow for so long, so they are read again."""

CHUNK = timedelta(days=40)
"""Hours asked for at once: Sentry refuses more than 1,000 points (`snuba/sessions_v2.py`)."""


def volume_resources(load: Load) -> list[DltResource]:
    """Return the resources `project_error_volume` and `issue_release_volume`, in this order.

    The second reads the days on which the first found a project's accepted errors changed, and
    every day once more when its counts are final. dlt's state remembers in `volumes_read_until` the
    end of the hourly counts of each project and in `volume_days_final_until` the first day that is
    not final.
    """
    changed_days: set[date] = set()

    def project_error_volume() -> Iterator[pa.Table]:
        read_until = dlt.current.source_state().setdefault("volumes_read_until", {})
        starts = {
            project_id: _volume_start(load, read_until.get(project_id))
            for project_id in load.readable_project_ids
        }
        oldest = min(starts.values(), default=load.as_of)
        known = known_rows(
            load.known,
            "project_error_volume",
            ProjectErrorVolumeRow,
            f"hour >= '{oldest.isoformat()}'",
        )
        for project_id, start in starts.items():
            read = _without_new_zeros(load, project_id, start, known)
            try:
                rows = changed("project_error_volume", read, known)
            except AccessDenied:
                log.warning("the project %s went out of reach during the load", project_id)
                continue
            changed_days.update(
                row.hour.astimezone(UTC).date() for row in rows if row.outcome == "accepted"
            )
            yield load.table("project_error_volume", rows)
            read_until[project_id] = load.as_of.isoformat()

    def issue_release_volume() -> Iterator[pa.Table]:
        state = dlt.current.source_state()
        final_until = (load.as_of - LATE).astimezone(UTC).date()
        days = changed_days | _days_to_finalise(load, state, final_until)
        for day in sorted(day for day in days if _midnight(day) < load.as_of):
            yield load.table("issue_release_volume", _read_day(load, day))
        state["volume_days_final_until"] = final_until.isoformat()

    return [
        table_resource("project_error_volume", project_error_volume),
        table_resource("issue_release_volume", issue_release_volume),
    ]


def _volume_start(load: Load, read_until: str | None) -> datetime:
    """Return a project's first hour to read: where counts may have grown since it last was."""
    if read_until is None:
        return load.first_day
    return max(day_start(datetime.fromisoformat(read_until) - LATE), load.first_day)


def _without_new_zeros(
    load: Load, project_id: str, start: datetime, known: dict[Key, ProjectErrorVolumeRow]
) -> Iterator[ProjectErrorVolumeRow]:
    """Yield a project's hourly counts; an hour without errors only if it was known to have some."""
    while start < load.as_of:
        end = min(start + CHUNK, load.as_of)
        params: Params = {
            "project": project_id,
            "field": "sum(quantity)",
            "groupBy": "outcome",
            "category": "error",
            "interval": "1h",
            "start": iso(start),
            "end": iso(end),
        }
        stats = load.client.get(endpoints.OUTCOMES, OutcomeStats, params)
        for row in error_volume_rows(project_id, stats):
            if row.quantity or (row.project_id, row.hour, row.outcome) in known:
                yield row
        start = end


def _days_to_finalise(load: Load, state: dict[str, Any], final_until: date) -> set[date]:
    """Return the days that became final since the last load, or all days for the first."""
    last = state.get("volume_days_final_until")
    first = date.fromisoformat(last) if last else load.first_day.date()
    days = {first + timedelta(days=n) for n in range(max((final_until - first).days, 0))}
    if last is None:
        days |= {final_until + timedelta(days=n) for n in range(3)}
    return {day for day in days if load.first_day.date() <= day}


def _read_day(load: Load, day: date) -> list[IssueReleaseVolumeRow]:
    """Return the events of a UTC day by project, issue and release.

    Always with an aggregate: without one, Sentry adds columns that identify single events
    (`api/endpoints/organization_events.py`).
    """
    start = _midnight(day)
    params: Params = {
        "dataset": "errors",
        "project": -1,
        "field": ["issue.id", "project.id", "release", "count()"],
        "sort": ["issue.id", "release"],
        "per_page": 100,
        "start": iso(start),
        "end": iso(min(start + timedelta(days=1), load.as_of)),
    }
    pages = load.client.pages(endpoints.EVENT_COUNTS, IssueReleaseCounts, params)
    try:
        rows = [issue_release_volume_row(day, one) for page in pages for one in page.data]
    except OutsideRetention:
        return []
    return list({(row.project_id, row.issue_id, row.release): row for row in rows}.values())


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)

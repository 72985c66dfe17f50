"""`events/`: counts by release, project and issue; without an aggregate, raw event rows."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from include.sandbox import canaries, drift
from include.sandbox.calls import (
    Call,
    Reply,
    Window,
    no_environment,
    projects,
    refuse_several,
    refuse_wide,
    window,
)
from include.sandbox.errors import bad_request
from include.sandbox.lateness import arrived
from include.sandbox.paging import by_offset
from include.sandbox.spoil import spoil
from include.sandbox.tallies import GONE, is_error
from include.sandbox.times import iso, moment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from include.sandbox.view import View

KEYS = ("project.id", "release", "issue.id")
COUNT = "count()"
MAX_FIELDS = 20
MAX_RAW_ROWS = 1000

Row = dict[str, object]


def events(view: View, call: Call) -> Reply:
    """`GET organizations/{org}/events/` on the dataset `errors`.

    Events of merged issues are the survivor's, those of deleted issues are gone. Fields beside
    the aggregate group the rows. Free-text fields answer, as in Sentry, with content.
    """
    fields = _fields(call)
    chosen = projects(view, call)
    refuse_several(view, chosen, "You cannot view events from multiple projects.")
    wished = window(view, call)
    refuse_wide(view, wished.start.timestamp(), wished.end.timestamp())
    span = _within_retention(view, wished)
    if COUNT in fields:
        asked = (*fields, "by", *call.many("sort"), "in", *chosen)
        rows: Sequence[Row] = view.keep(
            ("events", asked, span.start, span.end),
            lambda: _counted(view, call, fields, span),
        )
    else:
        rows = list(_raw(view, call, fields, span))
    page, header = by_offset(call, rows)
    return Reply({"data": page, "meta": _meta(fields)}, {"Link": header})


def _fields(call: Call) -> list[str]:
    no_environment(call)
    fields = list(dict.fromkeys(call.many("field")))
    if call.one("dataset") != "errors":
        raise bad_request("dataset must be one of: errors")
    if not fields:
        raise bad_request("No columns selected")
    if len(fields) > MAX_FIELDS:
        raise bad_request(f"You can view up to {MAX_FIELDS} fields at a time.")
    unknown = [name for name in fields if name.endswith(")") and name != COUNT]
    if unknown:
        raise bad_request(f"{unknown[0]} is not a valid function")
    if call.one("query"):
        raise bad_request(f"Error parsing search query: {call.one('query')}")
    return fields


def _within_retention(view: View, span: Window) -> Window:
    earliest = view.now - timedelta(days=view.behaviours.retention_days)
    if span.end <= earliest:
        raise bad_request("Invalid date range. Please try a more recent date range.")
    return Window(max(span.start, earliest), span.end, span.is_explicit)


def _counted(view: View, call: Call, fields: Sequence[str], span: Window) -> list[Row]:
    rows = _sorted(_aggregate(view, call, fields, span), call, fields)
    if view.behaviours.drift:
        spoil(rows, drift.EVENT_COUNT)
    return rows


def _aggregate(view: View, call: Call, fields: Sequence[str], span: Window) -> list[Row]:
    """Count events by the chosen keys, in the order of the keys' values."""
    table = view.organization.events
    until = min(span.end.timestamp(), view.now.timestamp() + 1e-6)
    rows = table.rows(span.start.timestamp(), until)
    holder = view.owners()[table.issues[rows]]
    kept = (holder != GONE) & _of_projects(view, call)[table.projects[rows]]
    kept &= is_error(view.organization)[table.issues[rows]]
    if view.behaviours.late_counts:
        kept &= arrived(table.times[rows], table.issues[rows], view.now)
    columns = {
        "project.id": table.projects[rows],
        "release": table.version_codes[rows],
        "issue.id": holder,
    }
    keys = [name for name in KEYS if name in fields]
    counts = table.counts[rows][kept]
    if not keys:
        return [_row(view, fields, {}, int(counts.sum()))]
    matrix = np.stack([columns[name][kept] for name in keys])
    groups, inverse = np.unique(matrix, axis=1, return_inverse=True)
    totals = np.bincount(inverse.ravel(), weights=counts, minlength=groups.shape[1])
    return [
        _row(view, fields, dict(zip(keys, group, strict=True)), int(total))
        for group, total in zip(groups.T.tolist(), totals.tolist(), strict=True)
    ]


def _of_projects(view: View, call: Call) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    wanted = {project.id for project in projects(view, call)}
    return np.array(
        [project.id in wanted for project in view.organization.projects], dtype=np.bool_
    )


def _row(view: View, fields: Sequence[str], group: dict[str, int], count: int) -> Row:
    mine = view.organization
    row: Row = {}
    for name in fields:
        if name == COUNT:
            row[name] = count
        elif name == "project.id":
            row[name] = int(mine.projects[group[name]].id)
        elif name == "release":
            row[name] = mine.versions[group[name]]
        elif name == "issue.id":
            row[name] = int(mine.issues[group[name]].id)
        else:
            row[name] = canaries.text(name)
    return row


def _sorted(rows: list[Row], call: Call, fields: Sequence[str]) -> list[Row]:
    """Sort by every `sort` in turn; ties keep the order of the keys."""
    for name in reversed(call.many("sort")):
        key = name.removeprefix("-")
        if key not in fields:
            raise bad_request("Cannot sort by a field that is not selected.")
        rows.sort(key=_column(key), reverse=name.startswith("-"))
    return rows


def _column(name: str) -> Callable[[Row], int | str]:
    def value(row: Row) -> int | str:
        found = row[name]
        return found if isinstance(found, int) else str(found)

    return value


def _raw(view: View, call: Call, fields: Sequence[str], span: Window) -> Iterator[Row]:
    """Yield newest event rows, full of content; Sentry adds ids and project names unasked."""
    table, allowed = view.organization.events, _of_projects(view, call)
    rows = table.rows(span.start.timestamp(), min(span.end, view.now).timestamp())
    owners, errors = view.owners(), is_error(view.organization)
    for place in range(rows.stop - 1, max(rows.start, rows.stop - MAX_RAW_ROWS) - 1, -1):
        holder = int(owners[table.issues[place]])
        is_shown = errors[table.issues[place]] and allowed[table.projects[place]]
        if holder == GONE or not is_shown:
            continue
        group = {
            "project.id": int(table.projects[place]),
            "release": int(table.version_codes[place]),
            "issue.id": holder,
        }
        yield _row(view, fields, group, 0) | {
            "id": canaries.text("event", place),
            "project.name": canaries.text("project-name", place),
            "timestamp": iso(moment(int(table.times[place]))),
        }


def _meta(fields: Sequence[str]) -> dict[str, object]:
    types = dict.fromkeys(fields, "string") | {
        name: "integer" for name in fields if name in {COUNT, "project.id", "issue.id"}
    }
    return {
        "fields": types,
        "units": dict.fromkeys(fields),
        "isMetricsData": False,
        "isMetricsExtractedData": False,
        "tips": {"query": canaries.text("tip"), "columns": canaries.text("tip")},
        "datasetReason": "unchanged",
        "dataset": "errors",
    }

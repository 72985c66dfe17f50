"""`stats_v2`: event volumes by outcome, on the hour or the day."""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from include.sandbox import canaries, drift, words
from include.sandbox.calls import Call, Reply, interval, projects, refuse_wide, window
from include.sandbox.errors import bad_request
from include.sandbox.lateness import counted
from include.sandbox.organization import OUTCOMES
from include.sandbox.tallies import HOUR_S, volume
from include.sandbox.times import iso, moment

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from include.sandbox.organization import Project
    from include.sandbox.view import View

FIELD = "sum(quantity)"
GROUPS = ("outcome", "category", "reason", "project")
INTERVALS = (timedelta(hours=1), timedelta(days=1))
MAX_POINTS = 1000
REASONS = {"accepted": ""}


class Grid(NamedTuple):
    """Buckets of `step` seconds from `start` to `end`, both on the step (epoch seconds)."""

    start: int
    end: int
    step: int

    @property
    def starts(self) -> range:
        """The buckets' beginnings."""
        return range(self.start, self.end, self.step)


def stats(view: View, call: Call) -> Reply:
    """`GET organizations/{org}/stats_v2/`; grouping by project drops series and intervals."""
    groups = _groups(call)
    grid = _grid(view, call)
    wanted: list[tuple[Project, ...]] = [projects(view, call)]
    if "project" in groups:
        wanted = [(project,) for project in wanted[0]]
    rows = []
    for members, outcome in product(wanted, _outcomes(view, call)):
        series = _series(view, members, outcome, grid)
        if series.any() and call.one("category") in {None, "error"}:
            rows.append(_row(groups, members, outcome, series))
    if view.behaviours.missing_rows and len(wanted) > 1:
        rows = _without_smallest(rows)
    if view.behaviours.drift:
        drift.spoil_outcomes(rows)
    body: dict[str, object] = {"start": _iso(grid.start), "end": _iso(grid.end)}
    if "project" not in groups:
        body["intervals"] = [_iso(start) for start in grid.starts]
    return Reply(body | {"groups": rows, "futureQuota": canaries.future("quota")})


def _without_smallest(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """Leave out the smallest quarter of the rows, as Sentry's limit on rows does."""
    totals = sorted((_total(row), place) for place, row in enumerate(rows))
    lost = {place for _, place in totals[: -(-len(rows) // 4)]}
    return [row for place, row in enumerate(rows) if place not in lost]


def _total(row: dict[str, object]) -> int:
    totals = cast("dict[str, int]", row["totals"])
    return totals[FIELD]


def _groups(call: Call) -> list[str]:
    """Check what is required: a field, a grouping, and a category in one way or the other."""
    groups = call.many("groupBy")
    if not call.many("field"):
        raise bad_request('Request is missing a "field"')
    if any(name != FIELD for name in call.many("field")):
        raise bad_request(f"Invalid field: {call.one('field')!r}")
    if not groups:
        raise bad_request('Request is missing a "groupBy"')
    if any(name not in GROUPS for name in groups):
        raise bad_request(f"Invalid groupBy: {groups!r}")
    if "category" not in groups and not call.many("category"):
        raise bad_request("Query must have category as groupby or filter")
    return groups


def _outcomes(view: View, call: Call) -> list[str]:
    asked = call.many("outcome")
    if asked:
        return [outcome for outcome in OUTCOMES if outcome in asked]
    return [*OUTCOMES, *(words.OUTCOMES if view.behaviours.unknown_words else ())]


def _grid(view: View, call: Call) -> Grid:
    """Widen the span to whole buckets, as Sentry's snuba/sessions_v2.py.

    An explicit end is inclusive: Sentry adds a second to it before it rounds up.
    """
    span, step = window(view, call, timedelta(days=1)), interval(call, "1h")
    if step not in INTERVALS:
        raise bad_request("The interval has to be 1h or 1d here.")
    size = int(step.total_seconds())
    refuse_wide(view, span.start.timestamp(), span.end.timestamp())
    asked_start, asked_end = span.start.timestamp(), span.end.timestamp() + span.is_explicit
    length = _ceiling(asked_end - asked_start, size)
    if length // size > MAX_POINTS:
        raise bad_request(
            "Your interval and date range would create too many results. "
            "Use a larger interval, or a smaller date range."
        )
    end = _ceiling(asked_end, size)
    start = end - length
    return Grid(start - size if start > asked_start else start, end, size)


def _ceiling(seconds: float, size: int) -> int:
    return int(-(-seconds // size) * size)


def _series(
    view: View, members: tuple[Project, ...], outcome: str, grid: Grid
) -> NDArray[np.int64]:
    """Sum the hours of each bucket; hours before the history or to come are zero."""
    ids = tuple(project.id for project in members)
    hours = view.keep(("volume", ids, outcome), lambda: _hours(view, ids, outcome))
    first = int(view.organization.start.timestamp())
    places = (np.arange(grid.start, grid.end, HOUR_S) - first) // HOUR_S
    is_known = (places >= 0) & (places < len(hours))
    counts = np.where(is_known, hours[np.clip(places, 0, len(hours) - 1)], 0)
    totals: NDArray[np.int64] = counts.reshape(-1, grid.step // HOUR_S).sum(axis=1)
    return totals


def _hours(view: View, ids: tuple[str, ...], outcome: str) -> NDArray[np.int64]:
    """Return the events of every hour so far that are counted by now."""
    mine, now = view.organization, view.now
    if outcome in words.OUTCOMES:
        hours = -(-volume(mine, ids, "accepted", now) // words.SHARE_OF_ACCEPTED)
    else:
        hours = volume(mine, ids, outcome, now)
    return counted(hours, mine.start, now) if view.behaviours.late_counts else hours


def _row(
    groups: list[str], members: tuple[Project, ...], outcome: str, series: NDArray[np.int64]
) -> dict[str, object]:
    values: dict[str, object] = {
        "outcome": outcome,
        "category": "error",
        "reason": REASONS.get(outcome, canaries.text("reason", outcome)),
        "project": int(members[0].id),
    }
    row: dict[str, object] = {
        "by": {name: values[name] for name in groups},
        "totals": {FIELD: int(series.sum())},
        "futureNote": canaries.text("stats"),
    }
    if "project" not in groups:
        row["series"] = {FIELD: series.tolist()}
    return row


def _iso(seconds: int) -> str:
    return iso(moment(seconds))

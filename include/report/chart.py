"""A chart: what it shows, the rows it can be asked to show, and how it is drawn."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from include.report.views import ALL, PERIODS, Period, milliseconds

Row = tuple[Any, ...]
Spec = dict[str, Any]

INK, QUIET, LINE = "var(--text)", "var(--quiet)", "var(--line)"
MAIN, SECOND, BAD, SOFT = "var(--main)", "var(--second)", "var(--bad-mark)", "var(--soft)"
"""Colours are the page's, so that charts follow it into dark mode and onto paper. They are told
apart without seeing colours, too: by lightness, and by shape or place wherever it matters."""

FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif'

WIDTH = 640
"""Of a chart as it is drawn on the server, pixels; a browser draws it as wide as there is room."""

CONFIG: Spec = {
    "background": "transparent",
    # What a chart shows is told as a whole, and there is a table of it; not mark by mark.
    "aria": False,
    "font": FONT,
    "view": {"stroke": None},
    "axis": {
        "labelColor": QUIET,
        "titleColor": QUIET,
        "titleFontWeight": 500,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "gridColor": LINE,
        "domainColor": LINE,
        "tickColor": LINE,
        "labelLimit": 180,
    },
    "axisX": {"grid": False},
    "axisY": {"domain": False, "ticks": False},
    "legend": {
        "orient": "top",
        "title": None,
        "labelColor": INK,
        "labelFontSize": 12,
        "symbolSize": 90,
        "labelLimit": 320,
        # Room for fonts that are wider than those which the server measures with.
        "columnPadding": 32,
    },
    "bar": {"color": MAIN},
    "line": {"color": MAIN, "strokeWidth": 2},
    "point": {"color": MAIN, "filled": True, "size": 60},
    "area": {"color": MAIN},
    "rule": {"color": QUIET},
    "text": {"color": INK, "fontSize": 12},
}
"""Vega-Lite's configuration, the same for all charts."""


@dataclass(frozen=True)
class Chart:
    """A chart.

    Attributes:
        name: Names it in the page's data.
        title: What it shows.
        definition: How what it shows is defined, in sentences.
        spec: Vega-Lite's description, without data.
        columns: Names of the rows' fields. `p` is the number of the project (`ALL`: all together),
            `w` the place of a period in `PERIODS`, `t` a moment in milliseconds. Rows with `w` are
            those of that period; else those with a `t` within the period are shown.
        rows: What it can show, of every project and period.
        count: Says how much of what is shown in some rows, e.g. `12 releases`.
        empty: Why there might be nothing to show.
        has_total: There are rows of all projects together; else all rows are shown for all.
        is_timeless: It shows today, whatever the period.
    """

    name: str
    title: str
    definition: str
    spec: Spec
    columns: tuple[str, ...]
    rows: Sequence[Row]
    count: Callable[[Sequence[Row]], str]
    empty: str
    has_total: bool = True
    is_timeless: bool = False

    @cached_property
    def _of_project(self) -> dict[int | None, list[Row]]:
        """The rows by their project: every choice of a project asks for its own."""
        found = defaultdict(list)
        at = self.columns.index("p")
        for row in self.rows:
            found[row[at]].append(row)
        return found

    def shown(self, project: int, period: Period, as_of: datetime) -> list[Row]:
        """Return the rows of a project (or of `ALL`) and a period, as the page's script does."""
        rows: Sequence[Row] = self.rows
        if project != ALL or self.has_total:
            rows = self._of_project.get(project, [])
        if self.is_timeless:
            return list(rows)
        if "w" in self.columns:
            at, place = self.columns.index("w"), PERIODS.index(period)
            return [row for row in rows if row[at] == place]
        since = period.window(as_of).since
        if since is None:
            return list(rows)
        at, begin = self.columns.index("t"), milliseconds(since)
        return [row for row in rows if row[at] >= begin]

    def values(self, rows: Sequence[Row]) -> list[dict[str, Any]]:
        """Return rows as Vega-Lite takes them."""
        return [dict(zip(self.columns, row, strict=True)) for row in rows]


def total(rows: Sequence[Row], column: int) -> int:
    """Return the sum of a column that counts something."""
    return sum(row[column] or 0 for row in rows)


def counted(number: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun, e.g. `1 release` and `1,204 releases`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"

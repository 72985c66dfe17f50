"""A report as one HTML page that needs nothing from anywhere."""

import json
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from include.report.chart import CONFIG, Chart
from include.report.content import Content
from include.report.drawing import library, picture
from include.report.headlines import HEADLINES
from include.report.numbers import day
from include.report.views import ALL, FIRST, PERIODS, Period, milliseconds, views

HERE = Path(__file__).parent

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)
"""Content-Security-Policy of the page: what is in it, and nothing from anywhere."""

SECTIONS = (
    (
        "releases",
        "Release stability",
        "How releases fare, and how often another has to follow.",
    ),
    (
        "resolution",
        "Resolution time",
        "How long issues stay open, those that still are counted.",
    ),
    ("assignment", "Assignment", "Who gets issues, how soon, and how often they change hands."),
    ("errors", "Errors", "How often they occur, where that is heading, and in which project."),
)
"""Sections with charts: name, title, and what they are about."""

TABLES = {"releases": ("releases",), "errors": ("trends", "rates")}
"""Tables of the sections."""


def page(content: Content, organization: str, made_at: datetime) -> str:
    """Return a report as HTML.

    Args:
        content: What it shows.
        organization: Short name of the Sentry organization.
        made_at: When it was made, UTC.
    """
    first = next(period for period in PERIODS if period.key == FIRST)
    return (
        _environment()
        .get_template("report.html")
        .render(
            content=content,
            organization=organization,
            made_at=made_at,
            policy=POLICY,
            headlines=HEADLINES,
            shown=content.headlines[ALL, FIRST],
            sections=SECTIONS,
            tables=TABLES,
            periods=PERIODS,
            first=FIRST,
            severities=_severities(content),
            pictures=_pictures(content, first),
            data=_data(content),
            style=Markup((HERE / "static" / "report.css").read_text()),  # noqa: S704 - our own
            script=Markup((HERE / "static" / "report.js").read_text()),  # noqa: S704
            library=_script(library()),
        )
    )


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["day"] = day
    return made


def _script(text: str) -> Markup:
    """Return a script's text such that it cannot end its element."""
    return Markup(text.replace("</script", "<\\/script"))  # noqa: S704 - a library's


def _severities(content: Content) -> dict[str, int]:
    active = [one.severity for one in content.findings if one.is_active]
    return {severity: active.count(severity) for severity in ("high", "medium", "low")}


def _pictures(content: Content, first: Period) -> dict[str, dict[str, Any]]:
    """Return what each chart shows before anything is chosen, and without JavaScript."""
    found = {}
    for chart in _charts(content):
        rows = chart.shown(ALL, first, content.as_of)
        drawn = Markup(picture(chart, rows)) if rows else None  # noqa: S704 - Vega escapes text
        found[chart.name] = {"svg": drawn, "count": chart.count(rows) if rows else ""}
    return found


def _charts(content: Content) -> list[Chart]:
    return [chart for charts in content.charts.values() for chart in charts]


def _data(content: Content) -> Markup:
    """Return what the page's script chooses from, as JSON that may stand in a page."""
    since = {one.key: one.window(content.as_of).since for one in PERIODS}
    data = {
        "first": {"project": ALL, "period": FIRST},
        "periods": [period.key for period in PERIODS],
        "since": {key: at and milliseconds(at) for key, at in since.items()},
        "config": CONFIG,
        "charts": {chart.name: _chart(chart) for chart in _charts(content)},
        "texts": _texts(content),
    }
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    for sign, escaped in (("<", "\\u003c"), ("\u2028", "\\u2028"), ("\u2029", "\\u2029")):
        text = text.replace(sign, escaped)
    return Markup(text)  # noqa: S704 - no `<` is left


def _chart(chart: Chart) -> dict[str, Any]:
    columns = list(zip(*chart.rows, strict=True)) or [() for _ in chart.columns]
    return {
        "spec": chart.spec,
        "columns": dict(zip(chart.columns, columns, strict=True)),
        "total": chart.has_total,
        "timeless": chart.is_timeless,
    }


def _texts(content: Content) -> dict[str, dict[str, Any]]:
    """Return the words of each choice, which the script only puts in their places."""
    found = {}
    for project, period in views(content.projects):
        figures = content.headlines[project, period.key]
        counts = {}
        for chart in _charts(content):
            rows = chart.shown(project, period, content.as_of)
            if rows:
                counts[chart.name] = chart.count(rows)
        found[f"{project}|{period.key}"] = {
            "figures": {
                name: {"value": figure.value, "note": figure.note, "trend": figure.trend}
                for name, figure in figures.items()
            },
            "counts": counts,
        }
    return found

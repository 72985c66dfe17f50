"""How charts are drawn: what their descriptions share, and their pictures without a browser."""

import json
from typing import Any, Literal

import altair as alt
import vl_convert

from include.report.chart import CONFIG, MAIN, WIDTH, Chart, Row, Spec

VEGA_LITE = "6.4"
"""The version of Vega-Lite that Altair writes for, among those that vl-convert has."""

DAY_MS = 24 * 3600 * 1000


def moment(form: str = "%-d %b", ticks: int | Literal["month"] = 8) -> alt.X:
    """Return the axis of moments, UTC.

    Args:
        form: How they are written.
        ticks: About how many of them are, or at the beginning of what, e.g. each month.
    """
    axis = alt.Axis(labelOverlap="greedy", labelFlush=True, tickCount=ticks, format=form)
    return alt.X("t:T", title=None, scale=alt.Scale(type="utc"), axis=axis)


def tip(field: str, title: str, form: str | None = None) -> alt.Tooltip:
    """Return one line of what is shown of a mark under the pointer."""
    shown = alt.Tooltip(field, title=title)
    return shown if form is None else shown.format(form)


def bars(
    days: float,
    height: str,
    title: str,
    *,
    stacked_by: str | None = None,
    chart: alt.Chart | None = None,
) -> Any:  # noqa: ANN401 - an Altair chart, whose methods are not typed
    """Return a chart of bars that each cover some days from `t` on, with a gap between them.

    Args:
        days: What a bar covers.
        height: The field that it shows.
        title: What that is.
        stacked_by: The field by which bars of the same days are put on each other.
        chart: What makes these fields, where the rows do not have them.
    """
    chart = (chart or alt.Chart()).transform_calculate(ends=f"datum.t + {days * 0.88 * DAY_MS}")
    x = {"x": moment(), "x2": alt.X2("ends:T")}
    if stacked_by is None:
        y = alt.Y(f"{height}:Q", title=title, scale=alt.Scale(zero=True))
        return chart.mark_rect(color=MAIN).encode(**x, y=y, y2=alt.Y2(datum=0))
    ordered = [alt.SortField(stacked_by)]
    stack = chart.transform_stack(stack=height, as_=["from", "to"], groupby=["t"], sort=ordered)
    y = alt.Y("from:Q", title=title, axis=alt.Axis(tickMinStep=1))
    return stack.mark_rect().encode(**x, y=y, y2=alt.Y2("to:Q"))


def spec(chart: Any, height: int | dict[str, int]) -> Spec:  # noqa: ANN401 - as `bars`
    """Return a chart's description, without data and without what is the same for all.

    Args:
        chart: What to describe.
        height: Pixels, or `{"step": pixels}` for each row of a chart of rows.
    """
    described: Spec = chart.properties(
        width="container",
        height=height,
        autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
    ).to_dict(validate=True, context={"pre_transform": False})
    for part in (described, *described.get("layer", ())):
        for redundant in ("config", "$schema", "datasets", "data"):
            part.pop(redundant, None)
    return described


def picture(chart: Chart, rows: list[Row]) -> str:
    """Return a chart as SVG, in the page's colours, as wide as `WIDTH`."""
    drawn = {**chart.spec, "width": WIDTH, "data": {"values": chart.values(rows)}}
    if isinstance(drawn["height"], dict):
        drawn["height"] = drawn["height"]["step"] * len(rows)
    # The reader's fonts may be wider than those it is measured with.
    drawn["padding"] = {"left": 16, "right": 16, "top": 4, "bottom": 4}
    svg = vl_convert.vegalite_to_svg(json.dumps(drawn), vl_version=VEGA_LITE, config=CONFIG)
    return str(svg).replace("<svg ", '<svg aria-hidden="true" ', 1)


def library() -> str:
    """Return the JavaScript that draws charts in a browser: Vega, Vega-Lite and Vega-Embed."""
    return str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", VEGA_LITE))

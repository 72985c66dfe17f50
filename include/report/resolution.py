"""How long resolution takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import altair as alt
import numpy as np

from include.report.chart import MAIN, QUIET, SECOND, SOFT, Chart, Row, Spec, counted, total
from include.report.drawing import moment, spec, tip
from include.report.episodes import Episodes
from include.report.marts import Marts
from include.report.views import PERIODS, Project, views

BUCKETS = (
    ("< 1 h", 1),
    ("1–4 h", 4),
    ("4–12 h", 12),
    ("12–24 h", 24),
    ("1–7 d", 168),
    ("1–4 weeks", 672),
    ("4–24 weeks", 4032),
    ("longer", float("inf")),
)
"""As in the mart: the name, and hours below which it ends."""

RESOLVED, OPEN, OTHER = "resolved", "still open", "ended otherwise"

GRID_H = np.geomspace(0.25, 10_000, 72)
"""Hours at which curves are drawn: on a logarithmic axis close enough to see every bend, and the
same for all curves, which keeps the page small. The last is more than a year."""

HISTOGRAM = """
with periods (w, since) as (select unnest(range(len($starts))), unnest($starts)),
episodes as (
    select
        selectable.p,
        periods.w,
        case
            when is_open then 9
            when not is_resolved then 8
            else list_position(
                list_transform($ends::double[], lambda ending: resolution_hours < ending), true
            ) - 1
        end as bucket
    from resolution_time
    inner join dim_project using (project_id)
    left join selectable using (project_id)
    inner join periods on opened_at >= periods.since
    where is_history_complete
)
select p, w, bucket::integer, count(*) as n from episodes where p is not null group by all
union all
select -1, w, bucket::integer, count(*) from episodes group by all
order by 1, 2, 3
"""

MONTHS = """
select
    coalesce(selectable.p, -1) as p,
    epoch_ms(cohort_month::timestamp) as t,
    naive_median_hours / 24 as naive,
    km_median_hours / 24 as km,
    km_median_low_hours / 24 as low,
    km_median_high_hours / 24 as high,
    episode_count as n,
    resolved_count as resolved
from resolution_time_distribution as marts
left join selectable using (project_id)
where scope = 'organization' or (scope = 'project' and selectable.p is not null)
order by 1, 2
"""


def charts(marts: Marts, episodes: Episodes, selectable: list[Project]) -> list[Chart]:
    """Return the charts about resolution time."""
    curves = _curves(episodes, selectable, marts.as_of)
    unread = "while history of a project is still to be read, it is left out."
    return [
        Chart(
            name="survival",
            title="Share of issues not yet resolved, by time since they were opened",
            definition="Kaplan–Meier estimate over the episodes (an issue’s open intervals) "
            "opened in the period, with its 95 % interval. Issues that are still open count for "
            "as long as they have been; archived, merged, deleted and aged-out ones until they "
            "ended. Where the curve crosses the line, half are resolved.",
            spec=_survival(),
            columns=("p", "w", "h", "s", "low", "high"),
            rows=curves.rows,
            count=curves.count,
            empty=f"No issue of this choice was opened in this period; {unread}",
        ),
        Chart(
            name="histogram",
            title="How long issues opened in the period took",
            definition="Episodes by hours from opening to resolution. Those that are still open, "
            "or ended without a resolution (archived, merged, deleted, aged out, out of reach), "
            "have no resolution time; they are shown, for without them few and fast resolutions "
            "look good.",
            spec=_histogram(),
            columns=("p", "w", "bucket", "kind", "n"),
            rows=_buckets(marts),
            count=_kinds,
            empty=f"No issue of this choice was opened in this period; {unread}",
        ),
        Chart(
            name="resolution_months",
            title="Median time to resolution, by month of opening",
            definition="Of closed issues alone (naive), and with open ones counted (Kaplan–Meier, "
            "with its 95 % interval). Where the latter is missing, less than half of the month’s "
            "issues are resolved: their median is not known yet. The naive one of young months is "
            "always too low.",
            spec=_months(),
            columns=("p", "t", "naive", "km", "low", "high", "n", "resolved"),
            rows=marts.rows(MONTHS),
            count=lambda rows: f"{counted(total(rows, 6), 'episode')}, {total(rows, 7):,} resolved",
            empty=f"No month of this choice began in this period; {unread}",
        ),
    ]


@dataclass(frozen=True, slots=True)
class _Curves:
    """Curves as rows, and how many episodes each is of."""

    rows: list[Row]
    numbers: dict[tuple[int, int], tuple[int, int]]

    def count(self, rows: Sequence[Row]) -> str:
        """Say what the curve in some rows rests on."""
        episodes, resolved = self.numbers[rows[0][:2]]
        return f"{counted(episodes, 'episode')}, {resolved:,} resolved"


def _curves(episodes: Episodes, selectable: list[Project], as_of: datetime) -> _Curves:
    rows: list[Row] = []
    numbers = {}
    for project, period in views(selectable):
        places = episodes.of(project, period.window(as_of))
        if not places.size:
            continue
        curve, key = episodes.resolution(places), (project, PERIODS.index(period))
        numbers[key] = curve.count, curve.events
        watched = GRID_H[: np.searchsorted(GRID_H, episodes.open_hours[places].max()) + 1]
        shares = zip(*curve.at(watched), strict=True)
        for hours, found in zip(watched, shares, strict=True):
            rows.append((*key, round(hours, 2 if hours < 10 else 0), *map(_short, found)))
    return _Curves(rows, numbers)


def _short(number: float) -> float | None:
    """Return a share as exact as a screen can show it, which keeps the page small."""
    return None if np.isnan(number) else round(float(number), 3)


def _buckets(marts: Marts) -> list[Row]:
    names = [name for name, _ in BUCKETS] + [OTHER, OPEN]
    kinds = [RESOLVED] * len(BUCKETS) + [OTHER, OPEN]
    found = marts.rows(
        HISTOGRAM,
        starts=[period.window(marts.as_of).bounds[0] for period in PERIODS],
        ends=[ends for _, ends in BUCKETS],
    )
    counts = {(p, w, place): n for p, w, place, n in found}
    return [
        (p, w, name, kind, counts.get((p, w, place), 0))
        for p, w in sorted({(p, w) for p, w, _, _ in found})
        for place, (name, kind) in enumerate(zip(names, kinds, strict=True))
    ]


def _kinds(rows: Sequence[Row]) -> str:
    resolved = sum(row[4] for row in rows if row[3] == RESOLVED)
    still = sum(row[4] for row in rows if row[3] == OPEN)
    return f"{counted(total(rows, 4), 'episode')}: {resolved:,} resolved, {still:,} still open"


def _survival() -> Spec:
    ticks = [1, 4, 24, 168, 672, 4032]
    labels = "{1: '1 h', 4: '4 h', 24: '1 day', 168: '1 week', 672: '4 weeks', 4032: '24 weeks'}"
    x = alt.X(
        "h:Q",
        title=None,
        scale=alt.Scale(type="log", nice=False),
        axis=alt.Axis(values=ticks, labelExpr=f"{labels}[datum.value]", labelFlush=True),
    )
    y = alt.Y(
        "s:Q", title="Not yet resolved", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%")
    )
    band = (
        alt.Chart()
        .mark_area(interpolate="step-after", opacity=0.55, color=SOFT)
        .encode(x=x, y=alt.Y("low:Q"), y2=alt.Y2("high:Q"))
    )
    line = alt.Chart().mark_line(interpolate="step-after", strokeWidth=2.5).encode(x=x, y=y)
    half = alt.Chart().mark_rule(strokeDash=[4, 4]).encode(y=alt.datum(0.5))
    points = (
        alt.Chart()
        .mark_point(opacity=0, size=240)
        .encode(
            x=x,
            y=y,
            tooltip=[
                tip("h:Q", "Hours since opening", ",.1f"),
                tip("s:Q", "Not yet resolved", ".1%"),
                tip("low:Q", "95 % interval from", ".1%"),
                tip("high:Q", "to", ".1%"),
            ],
        )
    )
    return spec(alt.layer(band, half, line, points), 260)


def _histogram() -> Spec:
    kinds = [RESOLVED, OTHER, OPEN]
    y = alt.Y("bucket:N", title=None, sort=[name for name, _ in BUCKETS] + [OTHER, OPEN])
    base = alt.Chart().encode(y=y)
    bars = base.mark_bar().encode(
        x=alt.X("n:Q", title="Episodes"),
        color=alt.Color("kind:N", scale=alt.Scale(domain=kinds, range=[MAIN, QUIET, SECOND])),
        tooltip=[tip("bucket:N", "Time"), tip("kind:N", "Issue"), tip("n:Q", "Episodes", ",")],
    )
    text = base.mark_text(align="left", dx=5).encode(
        x=alt.X("n:Q"), text=alt.Text("n:Q", format=",")
    )
    return spec(alt.layer(bars, text), 230)


def _months() -> Spec:
    naive, km = "closed issues alone", "open ones counted"
    base = alt.Chart()
    color = alt.Scale(domain=[km, naive], range=[MAIN, SECOND])
    shape = alt.Scale(domain=[km, naive], range=["circle", "square"])
    folded = (
        base.transform_calculate(**{km: "datum.km", naive: "datum.naive"})
        .transform_fold([km, naive], as_=["kind", "days"])
        .transform_filter("isValid(datum.days)")
    )
    encoded = folded.encode(
        x=moment("%b %Y", "month"),
        y=alt.Y("days:Q", title="Days"),
        color=alt.Color("kind:N", scale=color),
        tooltip=[
            tip("t:T", "Opened in", "%Y-%m"),
            tip("kind:N", "Median of"),
            tip("days:Q", "Days", ",.1f"),
            tip("n:Q", "Episodes", ","),
            tip("resolved:Q", "Resolved", ","),
        ],
    )
    interval = (
        base.transform_filter("isValid(datum.km)")
        .mark_rule(color=MAIN, strokeWidth=6, opacity=0.3)
        .encode(x=moment("%b %Y", "month"), y=alt.Y("low:Q"), y2=alt.Y2("high:Q"))
    )
    points = encoded.mark_point().encode(shape=alt.Shape("kind:N", scale=shape))
    return spec(alt.layer(interval, encoded.mark_line(), points), 220)

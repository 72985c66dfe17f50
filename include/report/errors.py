"""How often errors occur, where that is heading, and how projects compare."""

import altair as alt

from include.report.chart import BAD, SECOND, Chart, Row, Spec, counted, total
from include.report.drawing import bars, moment, spec, tip
from include.report.marts import Marts
from include.report.views import PERIODS

DAYS = """
with daily as (
    select selectable.p, error_date, accepted_count, mean_7d, is_spike, is_complete_day
    from error_frequency left join selectable using (project_id)
),
organization as (
    select error_date, sum(accepted_count)::bigint as accepted,
        count(*) filter (where is_spike) as spikes, bool_and(is_complete_day) as is_complete
    from daily group by error_date
)
select p, epoch_ms(error_date::timestamp) as t, accepted_count as n, round(mean_7d, 2) as mean,
    (coalesce(is_spike, false))::integer as spikes
from daily where p is not null
union all
select -1, epoch_ms(error_date::timestamp), accepted,
    case when is_complete and count(*) over week = 7 then round(avg(accepted) over week, 2) end,
    spikes
from organization
window week as (
    order by error_date range between interval 6 days preceding and current row
)
order by 1, 2
"""

RATES = """
with periods (w, since, before) as (
    select unnest(range(len($starts))), unnest($starts), unnest($befores)
),
weekly as (
    select selectable.p, project_slug, week_start_date::timestamp as week, accepted_count,
        observed_hours
    from project_error_rate inner join selectable using (project_id)
)
select
    p,
    w,
    coalesce(any_value(project_slug), 'project') as project,
    sum(accepted_count) filter (where week >= since)
        / sum(observed_hours) filter (where week >= since) as rate,
    sum(accepted_count) filter (where week < since)
        / sum(observed_hours) filter (where week < since) as earlier,
    (sum(accepted_count) filter (where week >= since))::bigint as n
from weekly inner join periods on week >= before
group by p, w
having sum(observed_hours) filter (where week >= since) > 0
order by w, rate desc, p
"""


def charts(marts: Marts) -> list[Chart]:
    """Return the charts about errors."""
    return [
        Chart(
            name="errors",
            title="Errors per day",
            definition="Errors that Sentry accepted, by UTC day. The line is the mean of seven "
            "days. A spike is a day above the median of the 28 days before plus five times their "
            "median absolute deviation; for all projects, a day on which any of them has one. The "
            "latest day is not over yet.",
            spec=_days(),
            columns=("p", "t", "n", "mean", "spikes"),
            rows=marts.rows(DAYS),
            count=lambda rows: (
                f"{counted(total(rows, 2), 'error')} on "
                f"{counted(len(rows), 'day')}, {counted(sum(1 for row in rows if row[4]), 'day')} "
                "with a spike"
            ),
            empty="No day of this choice is known: Sentry keeps hourly counts of 90 days, and none "
            "of them has an error of it.",
        ),
        Chart(
            name="rates",
            title="Errors per hour, projects compared",
            definition="Accepted errors by hour of observation, over the weeks that began in the "
            "period, and over as many before (hollow). The scale is logarithmic. A rate is per "
            "hour of the clock, not per request: a busy project is not a worse one.",
            spec=_rates(),
            columns=("p", "w", "project", "rate", "earlier", "n"),
            rows=_rate_rows(marts),
            count=lambda rows: (
                f"{counted(total(rows, 5), 'error')} of {counted(len(rows), 'project')}"
            ),
            empty="No week of this choice is in this period.",
            has_total=False,
        ),
    ]


def _rate_rows(marts: Marts) -> list[Row]:
    windows = [(period.window(marts.as_of), period.before(marts.as_of)) for period in PERIODS]
    return marts.rows(
        RATES,
        starts=[window.bounds[0] for window, _ in windows],
        befores=[(before or window).bounds[0] for window, before in windows],
    )


def _days() -> Spec:
    shown = bars(1, "n", "Errors").encode(
        tooltip=[
            tip("t:T", "Day", "%Y-%m-%d"),
            tip("n:Q", "Errors", ","),
            tip("mean:Q", "Mean of 7 days", ",.1f"),
        ],
    )
    line = (
        alt.Chart()
        .transform_filter("isValid(datum.mean)")
        .mark_line(color=SECOND, strokeWidth=2.5)
        .encode(x=moment(), y=alt.Y("mean:Q"))
    )
    spikes = (
        alt.Chart()
        .transform_filter("datum.spikes > 0")
        .mark_point(shape="triangle-down", color=BAD, size=80, yOffset=-8)
        .encode(
            x=moment(),
            y=alt.Y("n:Q"),
            tooltip=[tip("t:T", "Spike on", "%Y-%m-%d"), tip("n:Q", "Errors", ",")],
        )
    )
    return spec(alt.layer(shown, line, spikes), 220)


def _rates() -> Spec:
    y = alt.Y("project:N", title=None, sort=None)
    scale = alt.Scale(type="symlog", constant=0.1, zero=False, nice=False, padding=12)
    base = alt.Chart().encode(y=y)
    lines = base.mark_rule().encode(x=alt.X("earlier:Q", scale=scale), x2=alt.X2("rate:Q"))
    earlier = (
        base.transform_filter("isValid(datum.earlier)")
        .mark_point(filled=False, color=SECOND, strokeWidth=2)
        .encode(x=alt.X("earlier:Q", scale=scale))
    )
    now = base.mark_point(size=90).encode(
        x=alt.X("rate:Q", title="Errors per hour", scale=scale, axis=alt.Axis(tickCount=6)),
        tooltip=[
            tip("project:N", "Project"),
            tip("rate:Q", "Errors per hour", ",.2f"),
            tip("earlier:Q", "Before", ",.2f"),
            tip("n:Q", "Errors", ","),
        ],
    )
    return spec(alt.layer(lines, earlier, now), {"step": 24})

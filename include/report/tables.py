"""Tables that compare projects."""

from dataclasses import dataclass
from typing import Any

from include.report.marts import Marts
from include.report.numbers import amount, share, wilson
from include.report.views import PERIODS, Period


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a table: of which project, in which period (None: now), and its cells."""

    project: int
    period: str | None
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Attributes:
        name: Names it in the page.
        title: What it compares.
        heads: What the cells are; the first is the project's name.
        lines: Its rows, of all periods.
        note: What the columns mean.
        empty: Why there might be no row.
    """

    name: str
    title: str
    heads: tuple[str, ...]
    lines: tuple[Line, ...]
    note: str
    empty: str


RELEASES = """
select p, coalesce(project_slug, project_id) as project, count(*),
    count(has_failed), count(*) filter (where has_failed),
    count(was_hotfixed), count(*) filter (where was_hotfixed),
    median(stability_score)
from release_stability inner join selectable using (project_id)
where released_at >= $since and released_at <= $until
group by all order by project, p
"""

TRENDS = """
select p, coalesce(project_slug, project_id) as project, mean_7d, week_over_week_ratio,
    week_over_week_low, week_over_week_high, theil_sen_slope, mann_kendall_p
from error_frequency inner join selectable using (project_id)
where is_complete_day
qualify row_number() over (partition by project_id order by error_date desc) = 1
order by project, p
"""

RATES = """
select p, coalesce(any_value(project_slug), any_value(project_id)) as project,
    sum(accepted_count) / sum(observed_hours),
    sum(accepted_count) / any_value(everything.accepted),
    sum(filtered_count) / nullif(sum(total_count), 0),
    sum(dropped_count) / nullif(sum(total_count), 0),
    sum(release_count)::bigint,
    sum(accepted_count) / nullif(sum(release_count), 0)
from project_error_rate inner join selectable using (project_id)
cross join (
    select sum(accepted_count) as accepted from project_error_rate where week_start_date >= $since
) as everything
where week_start_date >= $since
group by p having sum(observed_hours) > 0
order by 3 desc, p
"""

P_LIMIT = 0.05


def tables(marts: Marts) -> list[Table]:
    """Return all tables."""
    return [
        Table(
            "releases",
            "Projects compared: releases",
            (
                "Project",
                "Releases",
                "Failed of judged",
                "Change failure rate",
                "Hotfixed",
                "Median score",
            ),
            tuple(line for period in PERIODS for line in _releases(marts, period)),
            "Releases of the period, each once in every project it belongs to. The interval of a "
            "rate is Wilson’s at 95 %.",
            "No project has a release in this period.",
        ),
        Table(
            "trends",
            "Projects compared: where errors are heading, now",
            ("Project", "Errors per day", "Week over week", "Trend of 28 days"),
            tuple(_trends(marts)),
            "Mean of the latest seven whole days; the sum of these over that of the seven before, "
            "with its 95 % interval (too narrow where errors come in bursts); Theil–Sen slope, "
            "called a trend if the Mann–Kendall test gives p < 0.05.",
            "No project has errors within the 90 days that Sentry keeps.",
        ),
        Table(
            "rates",
            "Projects compared: error rates",
            (
                "Project",
                "Errors per hour",
                "Share of all",
                "Filtered",
                "Dropped",
                "Errors per release",
            ),
            tuple(line for period in PERIODS for line in _rates(marts, period)),
            "Accepted errors of the weeks that began in the period. Filtered by inbound filters, "
            "and dropped by rate limits, quotas or as invalid: shares of all errors sent.",
            "No project has errors in this period.",
        ),
    ]


def _bounds(marts: Marts, period: Period) -> dict[str, Any]:
    since, until = period.window(marts.as_of).bounds
    return {"since": since, "until": until}


def _releases(marts: Marts, period: Period) -> list[Line]:
    lines = []
    found = marts.rows(RELEASES, **_bounds(marts, period))
    for p, project, count, judged, failed, told, hotfixed, score in found:
        rate = share(failed / judged) if judged else "–"
        bounds = wilson(failed, judged)
        cells = (
            project,
            f"{count:,}",
            f"{failed:,} of {judged:,}",
            f"{rate} ({share(bounds[0])}–{share(bounds[1])})" if bounds else rate,
            f"{hotfixed:,} of {told:,}",
            amount(score),
        )
        lines.append(Line(p, period.key, cells))
    return lines


def _trends(marts: Marts) -> list[Line]:
    lines = []
    for p, project, mean, ratio, low, high, slope, chance in marts.rows(TRENDS):
        against = "–" if ratio is None else f"×{ratio:.2f} ({low:.2f}–{high:.2f})"
        lines.append(Line(p, None, (project, amount(mean), against, _trend(slope, chance))))
    return lines


def _trend(slope: float | None, chance: float | None) -> str:
    if slope is None or chance is None:
        return "too few days"
    if chance >= P_LIMIT:
        return f"no trend (p = {chance:.2f})"
    word = "▲ rising" if slope > 0 else "▼ falling" if slope < 0 else "no slope"
    p = "p < 0.001" if chance < 0.001 else f"p = {chance:.3f}"
    return f"{word} by {amount(abs(slope))} a day each day ({p})"


def _rates(marts: Marts, period: Period) -> list[Line]:
    since = _bounds(marts, period)["since"]
    lines = []
    for p, project, rate, of_all, filtered, dropped, releases, each in marts.rows(
        RATES, since=since
    ):
        cells = (
            project,
            amount(rate) if rate >= 1 else f"{rate:.3g}",
            share(of_all),
            share(filtered),
            share(dropped),
            "no release" if not releases else amount(each),
        )
        lines.append(Line(p, period.key, cells))
    return lines

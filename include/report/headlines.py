"""The numbers at the top: what a project, or all of them, are like now, and were before."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from include.report import episodes as of_episodes
from include.report.chart import counted
from include.report.episodes import Episodes, Told
from include.report.marts import Marts
from include.report.numbers import NARROW, amount, duration, interval, share, wilson
from include.report.views import PERIODS, Period, Project, Window, views

NO_CLEAR = "no clear difference"
UNKNOWN = "not known for the period before"
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Headline:
    """A number at the top.

    Attributes:
        name: Names it in the page's data.
        title: What it is.
        definition: How it is defined.
    """

    name: str
    title: str
    definition: str


HEADLINES = (
    Headline(
        "failures",
        "Change failure rate",
        "Failed releases, of those that can be judged (older than 72 hours, with known volumes)",
    ),
    Headline(
        "resolution",
        "Median time to resolution",
        "Kaplan–Meier: issues that are still open are counted",
    ),
    Headline(
        "assignment",
        "Median time to first assignment",
        "Kaplan–Meier: issues that nobody has yet are counted",
    ),
    Headline("open", "Open issues", "At the end of the latest week"),
    Headline("errors", "Errors per day", "Mean of the whole days in the period"),
)


@dataclass(frozen=True, slots=True)
class Figure:
    """A headline of one choice.

    Attributes:
        value: The number.
        note: What it rests on: sample and interval.
        trend: How it compares with the period before; empty where there is none.
        raw: The number itself, for tests and whoever reads the page's data; None if there is none.
    """

    value: str
    note: str
    trend: str
    raw: float | None


@dataclass(frozen=True, slots=True)
class Releases:
    """Releases of a project, or of all, in a window."""

    judged: int = 0
    failed: int = 0

    @property
    def rate(self) -> float | None:
        """The change failure rate."""
        return self.failed / self.judged if self.judged else None


RELEASES = """
with chosen as (
    select coalesce(selectable.p, -2) as p, has_failed
    from release_stability left join selectable using (project_id)
    where has_failed is not null and released_at >= $since and released_at < $until
)
select p, count(*), count(*) filter (where has_failed) from chosen where p >= 0 group by p
union all
select -1, count(*), count(*) filter (where has_failed) from chosen
"""

ERRORS = """
with chosen as (
    select coalesce(selectable.p, -2) as p, accepted_count, error_date
    from error_frequency left join selectable using (project_id)
    where is_complete_day and error_date >= $since and error_date < $until
),
days as (select count(distinct error_date) as n from chosen)
select p, sum(accepted_count) / count(*), count(*) from chosen where p >= 0 group by p
union all
select -1, sum(accepted_count) / any_value(days.n), any_value(days.n) from chosen cross join days
having count(*) > 0
"""

OPEN = """
with chosen as (
    select coalesce(selectable.p, -2) as p, open_count, assigned_open_count
    from assignment_pattern left join selectable using (project_id)
    where week_start_date = date_trunc('week', $at::timestamp)
)
select p, open_count, open_count - assigned_open_count from chosen where p >= 0
union all
select -1, sum(open_count)::bigint, sum(open_count - assigned_open_count)::bigint
from chosen having count(*) > 0
"""


def headlines(
    marts: Marts, episodes: Episodes, selectable: list[Project]
) -> dict[tuple[int, str], dict[str, Figure]]:
    """Return all headlines of every choice, by number of the project and key of the period."""
    at_hand = {period.key: _Period(marts, period) for period in PERIODS}
    return {
        (project, period.key): dict(_figures(at_hand[period.key], episodes, project))
        for project, period in views(selectable)
    }


class _Period:
    """What SQL says of all projects in a period and in the one before it."""

    def __init__(self, marts: Marts, period: Period) -> None:
        self.period = period
        self.now = period.window(marts.as_of)
        self.before = period.before(marts.as_of)
        self.releases = _releases(marts, self.now)
        self.errors = _by_project(marts, ERRORS, self.now)
        self.open = _open(marts, marts.as_of)
        self.earlier_releases = _releases(marts, self.before) if self.before else {}
        self.earlier_errors = _by_project(marts, ERRORS, self.before) if self.before else {}
        # At the end of the week before the one in which the period begins.
        self.earlier_open = _open(marts, self.now.since - WEEK) if self.now.since else {}


def _by_project(marts: Marts, query: str, window: Window) -> dict[int, tuple[Any, ...]]:
    since, until = window.bounds
    return {p: tuple(row) for p, *row in marts.rows(query, since=since, until=until)}


def _releases(marts: Marts, window: Window) -> dict[int, Releases]:
    found = _by_project(marts, RELEASES, window)
    return {project: Releases(*row) for project, row in found.items()}


def _open(marts: Marts, at: datetime) -> dict[int, tuple[int, int]]:
    return {p: (still, unassigned) for p, still, unassigned in marts.rows(OPEN, at=at)}


def _figures(at: _Period, episodes: Episodes, project: int) -> Iterator[tuple[str, Figure]]:
    now = of_episodes.told(episodes, project, at.now)
    before = None if at.before is None else of_episodes.told(episodes, project, at.before)
    yield "failures", _failures(at, project)
    yield "resolution", _median(now, before, "resolution", "resolved")
    yield "assignment", _median(now, before, "assignment", "assigned")
    yield "open", _still_open(at, project)
    yield "errors", _errors(at, project)


def _failures(at: _Period, project: int) -> Figure:
    found = at.releases.get(project, Releases())
    earlier = at.earlier_releases.get(project, Releases())
    bounds = wilson(found.failed, found.judged)
    note = f"{found.failed:,} of {counted(found.judged, 'release')}"
    if bounds:
        note += f"; {interval(bounds)}"
    trend = ""
    if found.judged and earlier.judged:
        word = _difference(bounds, wilson(earlier.failed, earlier.judged))
        trend = f"{share(earlier.rate)} before, {word}"
    elif found.judged and at.before is not None:
        trend = UNKNOWN
    return Figure(share(found.rate), note, trend, found.rate)


def _median(now: Told, before: Told | None, what: str, done: str) -> Figure:
    found = getattr(now, what)
    note = f"{counted(found.count, 'episode')}, {found.events:,} {done}"
    if not found.count:
        return Figure("–", note, "", None)
    if found.median is not None:
        high = "open" if found.median_high is None else duration(found.median_high)
        note += f"; 95{NARROW}% interval {duration(found.median_low)} to {high}"
    else:
        note += ": less than half"
    earlier = None if before is None else getattr(before, what)
    trend = ""
    if earlier is not None and earlier.count:
        ends = [
            (one.median_low or 0.0, float("inf") if one.median_high is None else one.median_high)
            for one in (found, earlier)
        ]
        trend = f"{duration(earlier.median)} before, {_difference(*ends)}"
    return Figure(duration(found.median), note, trend, found.median)


def _still_open(at: _Period, project: int) -> Figure:
    if project not in at.open:
        return Figure("–", "not known yet", "", None)
    still, unassigned = at.open[project]
    earlier = at.earlier_open.get(project)
    trend = ""
    if earlier is not None:
        more = still - earlier[0]
        word = "as many as" if not more else f"{abs(more):,} {'more' if more > 0 else 'fewer'} than"
        trend = f"{word} in the week before the period"
    return Figure(f"{still:,}", f"{unassigned:,} assigned to nobody", trend, still)


def _errors(at: _Period, project: int) -> Figure:
    mean, days = at.errors.get(project, (None, 0))
    earlier, earlier_days = at.earlier_errors.get(project, (None, 0))
    trend = ""
    if mean is not None and earlier and earlier_days == days:
        change = mean / earlier - 1
        trend = f"{amount(earlier)} before: {100 * change:+.0f}{NARROW}%".replace("-", "−")
    elif mean is not None and at.before is not None:
        trend = UNKNOWN
    return Figure(amount(mean), counted(days, "day"), trend, mean)


def _difference(now: tuple[float, float] | None, before: tuple[float, float] | None) -> str:
    """Say whether two intervals tell apart what they are of."""
    if now is None or before is None or (now[0] <= before[1] and before[0] <= now[1]):
        return NO_CLEAR
    return "now higher" if now[0] > before[1] else "now lower"

"""`error_frequency` and `project_error_rate`: how many errors, and where that is heading."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import fmean, median

from tests.integration.truth.facts import Facts
from tests.integration.truth.formulas import mann_kendall_p, ratio, theil_sen, wilson
from tests.integration.truth.ledger import Row
from tests.integration.truth.moments import hours, midnight, monday
from tests.integration.truth.releases import dated_releases

DAY = timedelta(days=1)
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Days:
    """A project's errors by day and outcome; `days` are without gaps."""

    project_id: str
    days: tuple[date, ...]
    outcomes: dict[date, Counter[str]]

    def accepted(self) -> list[int]:
        """Return the accepted errors of each day."""
        return [self.outcomes[day]["accepted"] for day in self.days]


def project_days(facts: Facts) -> list[Days]:
    """Return the days of every project that ever had an error."""
    outcomes: dict[str, dict[date, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for (project_id, hour, outcome), quantity in facts.volumes.items():
        outcomes[project_id][hour.date()][outcome] += quantity
    found = []
    for project_id, counts in outcomes.items():
        first = min(counts)
        size = (facts.as_of.date() - first).days + 1
        days = tuple(first + place * DAY for place in range(size))
        found.append(Days(project_id, days, counts))
    return found


def error_frequency(facts: Facts) -> list[Row]:
    """Return the rows of the mart."""
    projects = project_days(facts)
    totals: Counter[date] = Counter()
    for project in projects:
        totals.update(dict(zip(project.days, project.accepted(), strict=True)))
    active, new = _active_issues(facts), _new_issues(facts)
    rows = []
    for project in projects:
        accepted = project.accepted()
        for place, day in enumerate(project.days):
            key = project.project_id, day
            rows.append(
                _counts(facts, project, day)
                | _statistics(accepted[: place + 1], is_complete=day < facts.as_of.date())
                | {
                    "organization_share": ratio(accepted[place], totals[day]),
                    "active_issue_count": len(active[key]),
                    "new_issue_count": new[key],
                }
            )
    return rows


def _active_issues(facts: Facts) -> dict[tuple[str, date], set[str]]:
    active = defaultdict(set)
    for day, project_id, issue_id, _ in facts.days:
        active[project_id, day].add(facts.survivor(issue_id))
    return active


def _new_issues(facts: Facts) -> Counter[tuple[str, date]]:
    return Counter((row["project_id"], row["first_seen"].date()) for row in facts.new_issues())


def _counts(facts: Facts, project: Days, day: date) -> Row:
    outcomes = project.outcomes[day]
    named = {name: outcomes[name] for name in ("accepted", "filtered", "rate_limited")}
    return {
        "project_day_id": f"{project.project_id}-{day}",
        "project_id": project.project_id,
        "project_slug": facts.slugs[project.project_id],
        **{f"{name}_count": count for name, count in named.items()},
        "other_count": outcomes.total() - sum(named.values()),
        "is_complete_day": day < facts.as_of.date(),
        "error_date": day,
        "as_of": facts.as_of,
    }


def _statistics(accepted: list[int], *, is_complete: bool) -> Row:
    """The figures that look at a project's days up to one, that one last."""
    known = accepted if is_complete else []
    return {
        "mean_7d": fmean(known[-7:]) if len(known) >= 7 else None,
        **_spike(known),
        **_week_over_week(known),
        "theil_sen_slope": theil_sen(known[-28:]) if len(known) >= 28 else None,
        "mann_kendall_p": mann_kendall_p(known[-28:]) if len(known) >= 28 else None,
    }


def _spike(accepted: list[int]) -> Row:
    if len(accepted) < 29:
        return dict.fromkeys(("median_28d", "mad_28d", "spike_threshold", "is_spike"))
    before = accepted[-29:-1]
    middle = float(median(before))
    mad = median(abs(one - middle) for one in before)
    threshold = middle + 5 * (mad or math.sqrt(max(middle, 1)))
    return {
        "median_28d": middle,
        "mad_28d": mad,
        "spike_threshold": threshold,
        "is_spike": accepted[-1] > threshold,
    }


def _week_over_week(accepted: list[int]) -> Row:
    names = ("week_over_week_ratio", "week_over_week_low", "week_over_week_high")
    this, before = sum(accepted[-7:]), sum(accepted[-14:-7])
    if len(accepted) < 14 or before == 0:
        return dict.fromkeys(names)
    low, high = wilson(this, this + before) or (0.0, 1.0)
    return dict(zip(names, (this / before, low / (1 - low), high / (1 - high)), strict=True))


@dataclass(frozen=True)
class _Week:
    project: Days
    start: date
    outcomes: Counter[str]
    observed_hours: float

    @property
    def errors_per_hour(self) -> float | None:
        return ratio(self.outcomes["accepted"], self.observed_hours)


def project_error_rate(facts: Facts) -> list[Row]:
    """Return the rows of the mart."""
    weeks = [week for project in project_days(facts) for week in _weeks(facts, project)]
    totals: Counter[date] = Counter()
    for week in weeks:
        totals[week.start] += week.outcomes["accepted"]
    by_key = {(week.project.project_id, week.start): week for week in weeks}
    births, released = _births(facts), _released(facts)
    return [
        _rates(facts, week, totals[week.start], by_key.get((key[0], week.start - WEEK)))
        | _new(births[key])
        | {
            "release_count": released[key],
            "errors_per_release": ratio(week.outcomes["accepted"], released[key]),
        }
        for key, week in by_key.items()
    ]


def _weeks(facts: Facts, project: Days) -> Iterator[_Week]:
    start = monday(project.days[0])
    while start <= facts.as_of.date():
        outcomes: Counter[str] = Counter()
        for place in range(7):
            outcomes.update(project.outcomes.get(start + place * DAY, Counter()))
        begin = max(midnight(start), midnight(project.days[0]))
        end = min(midnight(start + WEEK), facts.as_of)
        yield _Week(project, start, outcomes, hours(begin, end))
        start += WEEK


def _births(facts: Facts) -> dict[tuple[str, date], list[Row]]:
    births = defaultdict(list)
    for row in facts.new_issues():
        births[row["project_id"], monday(row["first_seen"].date())].append(row)
    return births


def _released(facts: Facts) -> Counter[tuple[str, date]]:
    def week(released_at: datetime) -> date:
        return monday(released_at.date())

    return Counter(
        (project_id, week(release.released_at))
        for project_id, releases in dated_releases(facts).items()
        for release in releases
        if release.released_at <= facts.as_of
    )


def _rates(facts: Facts, week: _Week, organization: int, before: _Week | None) -> Row:
    accepted, filtered = week.outcomes["accepted"], week.outcomes["filtered"]
    total = week.outcomes.total()
    rate = week.errors_per_hour
    change = ratio(rate, before.errors_per_hour) if before else None
    project_id = week.project.project_id
    return {
        "project_week_id": f"{project_id}-{week.start}",
        "project_id": project_id,
        "project_slug": facts.slugs[project_id],
        "observed_hours": week.observed_hours,
        "accepted_count": accepted,
        "filtered_count": filtered,
        "dropped_count": total - accepted - filtered,
        "total_count": total,
        "errors_per_hour": rate,
        "errors_per_day": None if rate is None else 24 * rate,
        "organization_share": ratio(accepted, organization),
        "filtered_share": ratio(filtered, total),
        "dropped_share": ratio(total - accepted - filtered, total),
        "change_to_previous_week": None if change is None else change - 1,
        "is_complete_week": week.observed_hours == 168,
        "week_start_date": week.start,
        "as_of": facts.as_of,
    }


def _new(born: list[Row]) -> Row:
    known = [row["is_unhandled"] for row in born if row["is_unhandled"] is not None]
    return {
        "new_issue_count": len(born),
        "new_unhandled_issue_count": sum(known),
        "unhandled_share": ratio(sum(known), len(known)),
    }

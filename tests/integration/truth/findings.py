"""`process_findings`: what the rules find, project by project and checkpoint by checkpoint."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from tests.integration.truth.assignments import assignments
from tests.integration.truth.episodes import episodes
from tests.integration.truth.errors import project_days
from tests.integration.truth.facts import Facts
from tests.integration.truth.finding_trials import TRIALS, WEEKDAYS, Rule, Subject, Trial
from tests.integration.truth.formulas import (
    hodges_lehmann,
    mann_whitney,
    superiority,
    wilson,
)
from tests.integration.truth.history import SEEDS
from tests.integration.truth.ledger import Row
from tests.integration.truth.moments import midnight, monday
from tests.integration.truth.stability import release_stability

MONDAYS = 12
SHOWN = 20
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)


@dataclass(frozen=True)
class Measure:
    """What a rule measured in a window."""

    size: int
    value: float
    low: float
    high: float
    evidence: list[Trial]
    successes: int | None = None
    group: str | None = None
    groups: int | None = None
    p_value: float | None = None


def rules() -> dict[str, Rule]:
    """Return the rules of the seed by name."""
    with (SEEDS / "finding_rules.csv").open(encoding="utf-8", newline="") as lines:
        return {row["rule_name"]: Rule(row["rule_name"], row) for row in csv.DictReader(lines)}


def process_findings(facts: Facts) -> list[Row]:
    """Return the rows of the mart."""
    found = []
    for subject in subjects(facts):
        for rule in rules().values():
            row = _finding(subject, rule)
            if row is not None:
                found.append(row)
    return found


def subjects(facts: Facts) -> Iterator[Subject]:
    """Yield every project."""
    every, releases = episodes(facts), release_stability(facts)
    accepted = {
        one.project_id: dict(zip(one.days, one.accepted(), strict=True))
        for one in project_days(facts)
    }
    for project_id in facts.slugs:
        mine = [one for one in every if one.issue["project_id"] == project_id]
        issues = {one.issue["id"]: one.issue for one in mine}
        yield Subject(
            facts,
            project_id,
            mine,
            [row for row in releases if row["project_id"] == project_id],
            {issue_id: assignments(facts, issue) for issue_id, issue in issues.items()},
            accepted,
        )


def _checkpoints(as_of: datetime) -> list[datetime]:
    """Return the moments at which is looked, the latest first."""
    latest = midnight(monday(as_of.date()))
    mondays = [latest - place * WEEK for place in range(MONDAYS + 1)]
    return [as_of, *[one for one in mondays if one < as_of][:MONDAYS]]


def _finding(subject: Subject, rule: Rule) -> Row | None:
    known_from = midnight(subject.facts.first_volume_day)
    trials = list(TRIALS[rule.name](subject, rule)) if rule.name in TRIALS else []
    moments, found = _checkpoints(subject.facts.as_of), {}
    for place, moment in enumerate(moments):
        begin = max(moment - timedelta(days=int(rule.row["window_days"])), known_from)
        inside = [one for one in trials if begin <= one.entered and one.decided <= moment]
        measure = _measure(subject, rule, inside, moment)
        if measure is not None and _is_found(rule, measure):
            found[place] = (begin, measure)
    if not found:
        return None
    first = last = min(found)
    while last + 1 in found:
        last += 1
    return _row(subject, rule, moments[first], moments[last], *found[first])


def _is_found(rule: Rule, measure: Measure) -> bool:
    greatest_p = rule.number("max_p_value")
    return (
        measure.size >= float(rule.row["min_sample_size"])
        and measure.low > float(rule.row["threshold"])
        and (greatest_p is None or (measure.p_value or 0) <= greatest_p)
    )


def _measure(
    subject: Subject, rule: Rule, inside: Sequence[Trial], moment: datetime
) -> Measure | None:
    if rule.name == "error_growth":
        return _growth(subject, rule, moment)
    if rule.name == "weekday_effect":
        return _weekday(rule, inside)
    if rule.name == "one_person_carries_all":
        return _owner(rule, inside)
    return _share(inside) if inside else None


def _share(inside: Sequence[Trial], **details: object) -> Measure:
    evidence = [one for one in inside if one.counts]
    low, high = wilson(len(evidence), len(inside)) or (0.0, 1.0)
    share = len(evidence) / len(inside)
    return Measure(
        len(inside),
        share,
        _exact(len(evidence), 0, low),
        _exact(len(evidence), len(inside), high),
        evidence,
        successes=len(evidence),
        **details,  # type: ignore[arg-type]
    )


def _exact(successes: int, end: int, bound: float) -> float:
    """The bounds at no and at nothing but successes are 0 and 1."""
    return float(bool(end)) if successes == end else bound


def _owner(rule: Rule, inside: Sequence[Trial]) -> Measure | None:
    held = Counter(one.group for one in inside)
    if len(held) < float(rule.row["rule_limit"]):
        return None
    _, top = max((count, group) for group, count in held.items())
    judged = [Trial(t.key, t.entered, t.decided, t.group == top, t.group) for t in inside]
    return _share(judged, groups=len(held), group=top)


def _weekday(rule: Rule, inside: Sequence[Trial]) -> Measure | None:
    least = float(rule.row["rule_limit"])
    tested = []
    for number, name in enumerate(WEEKDAYS):
        here = [one.amount for one in inside if one.group == name]
        elsewhere = [one.amount for one in inside if one.group != name]
        if len(here) >= least and len(elsewhere) >= least:
            tested.append((number, name, here, elsewhere))
    ranked = [
        (-z, number, name, here, elsewhere, p)
        for number, name, here, elsewhere in tested
        for z, p in [mann_whitney(here, elsewhere)]
        if z is not None
    ]
    if not ranked:
        return None
    _, _, name, here, elsewhere, p = min(ranked)
    value, low, high = superiority(here, elsewhere)
    return Measure(
        len(inside),
        value,
        low,
        high,
        [one for one in inside if one.group == name],
        successes=len(here),
        group=name,
        groups=len(tested),
        p_value=min(1.0, len(tested) * p),
    )


def _growth(subject: Subject, rule: Rule, moment: datetime) -> Measure | None:
    width, today = int(rule.row["window_days"]), moment.date()
    days = [today - place * DAY for place in range(1, 2 * width + 1)]
    known = subject.accepted.get(subject.id, {})
    if days[-1] < subject.facts.first_volume_day or any(day not in known for day in days):
        return None
    events = background(subject.facts, subject.id)
    recent, earlier = ([events[day] for day in part] for part in (days[:width], days[width:]))
    value, low, high = hodges_lehmann(recent, earlier)
    evidence = [Trial(str(day), midnight(day), midnight(day), counts=True) for day in days[:width]]
    return Measure(sum(recent) + sum(earlier), value, low, high, evidence)


def background(facts: Facts, project_id: str) -> Counter[date]:
    """Return a project's error events by day, without those of the day's loudest issue."""
    by_issue: dict[date, Counter[str]] = defaultdict(Counter)
    for (day, project, issue_id, _), count in facts.days.items():
        if project == project_id:
            by_issue[day][facts.survivor(issue_id)] += count
    return Counter({day: one.total() - max(one.values()) for day, one in by_issue.items()})


def _row(
    subject: Subject, rule: Rule, last: datetime, first: datetime, begin: datetime, found: Measure
) -> Row:
    severe = float(rule.row["severe_threshold"])
    latest: dict[str, datetime] = {}
    for one in found.evidence:
        latest[one.key] = max(one.decided, latest.get(one.key, one.decided))
    keys = sorted(sorted(latest), key=lambda key: latest[key], reverse=True)
    is_weekday = rule.name == "weekday_effect"
    return {
        "finding_id": f"{rule.name}-{subject.id}",
        "rule_name": rule.name,
        "project_id": subject.id,
        "project_slug": subject.facts.slugs[subject.id],
        "severity": "high" if found.low > severe else "medium" if found.value > severe else "low",
        "finding": _sentence(rule, found),
        "advice": rule.row["advice"],
        "value_unit": rule.row["value_unit"],
        "detail": found.group if is_weekday else None,
        "evidence_kind": rule.row["evidence_kind"],
        "evidence_keys": keys[:SHOWN],
        "evidence_count": len(keys),
        "sample_size": found.size,
        "success_count": found.successes,
        "group_count": found.groups,
        "measured_value": found.value,
        "interval_low": found.low,
        "interval_high": found.high,
        "p_value": found.p_value,
        "threshold": float(rule.row["threshold"]),
        "is_active": last == subject.facts.as_of,
        "window_from_at": begin,
        "window_to_at": last,
        "first_detected_at": first,
        "last_detected_at": last,
        "as_of": subject.facts.as_of,
    }


def _sentence(rule: Rule, found: Measure) -> str:
    def number(value: float) -> str:
        unit = rule.row["value_unit"]
        if unit == "share":
            return f"{100 * value:.0f} %"
        return f"{value:.2f}" if unit == "probability" else f"{value:.1f}"

    limit = rule.number("rule_limit") or 0
    return rule.row["sentence"].format(
        success_count=found.successes,
        sample_size=found.size,
        group_count=found.groups,
        limit_days=f"{limit / 24:.0f}",
        limit=f"{limit:.0f}",
        detail=found.group,
        p_value=f"{found.p_value:.1g}" if found.p_value is not None else "",
        value=number(found.value),
        low=number(found.low),
        high=number(found.high),
    )

"""What the rules of `process_findings` count: one function for each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

from tests.integration.truth.assignments import Assignment
from tests.integration.truth.episodes import Episode
from tests.integration.truth.facts import Facts
from tests.integration.truth.ledger import Row
from tests.integration.truth.moments import midnight
from tests.integration.truth.releases import EARLY, HOTFIX

DAY = timedelta(days=1)

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True)
class Rule:
    """A line of the seed `finding_rules`."""

    name: str
    row: dict[str, str]

    def number(self, column: str) -> float | None:
        """Return one of its numbers."""
        return float(self.row[column]) if self.row[column] else None

    @property
    def limit(self) -> timedelta:
        """The limit of a rule that waits for something."""
        return timedelta(hours=float(self.row["rule_limit"]))


@dataclass(frozen=True)
class Trial:
    """Something a rule counts; `counts` is None where it compares groups."""

    key: str
    entered: datetime
    decided: datetime
    counts: bool | None
    group: str | None = None
    amount: int = 0


@dataclass(frozen=True)
class Subject:
    """A project with everything that rules look at."""

    facts: Facts
    id: str
    episodes: list[Episode]
    releases: list[Row]
    spans: dict[str, list[Assignment]]
    accepted: dict[str, dict[date, int]]

    @cached_property
    def first_release(self) -> datetime | None:
        """When the project's first release came out."""
        return min((row["released_at"] for row in self.releases), default=None)

    def following(self, episode: Episode) -> Episode | None:
        """Return the issue's next episode."""
        return next(
            (
                one
                for one in self._by_issue[episode.issue["id"]]
                if one.number == episode.number + 1
            ),
            None,
        )

    @cached_property
    def _by_issue(self) -> dict[str, list[Episode]]:
        found = defaultdict(list)
        for one in self.episodes:
            found[one.issue["id"]].append(one)
        return found


def _closings(kinds: set[str], *, resolved: bool = True) -> Callable[[Episode], bool]:
    def is_trial(one: Episode) -> bool:
        kind = one.closing.kind if one.closing else None
        return (resolved and one.is_resolved) or kind in kinds

    return is_trial


def _at_closing(
    is_trial: Callable[[Episode], bool], counts: Callable[[Episode], bool]
) -> Callable[[Subject, Rule], Iterator[Trial]]:
    def trials(subject: Subject, _rule: Rule) -> Iterator[Trial]:
        for one in subject.episodes:
            if one.closing is not None and is_trial(one):
                yield Trial(one.issue["id"], one.opening.at, one.closing.at, counts(one))

    return trials


def _kind(name: str) -> Callable[[Episode], bool]:
    return lambda one: one.closing is not None and one.closing.kind == name


def _without_release(subject: Subject, rule: Rule) -> Iterator[Trial]:
    first = subject.first_release
    for one in _at_closing(_closings(set()), _kind("manual"))(subject, rule):
        if first is not None and first < one.decided:
            yield one


def _regressions(subject: Subject, rule: Rule) -> Iterator[Trial]:
    for one in subject.episodes:
        if one.closing is None or not one.is_resolved:
            continue
        after, due = subject.following(one), one.closing.at + rule.limit
        is_again = after is not None and after.opening.kind in {"regression", "reopened"}
        is_early = after is not None and after.opening.at <= due
        yield Trial(one.issue["id"], one.opening.at, due, is_again and is_early)


def _ping_pong(subject: Subject, rule: Rule) -> Iterator[Trial]:
    for one in subject.episodes:
        if not one.assignments:
            continue
        first = min(one.assigned_at)
        due = first + rule.limit
        returned = any(
            span.is_ping_pong and first < span.begin < one.end and span.begin <= due
            for span in subject.spans[one.issue["id"]]
        )
        yield Trial(one.issue["id"], one.opening.at, due, returned)


def _slow(subject: Subject, rule: Rule) -> Iterator[Trial]:
    for one in subject.episodes:
        due = one.opening.at + rule.limit
        handled = [*one.assigned_at, *([one.closing.at] if one.closing else [])]
        yield Trial(one.issue["id"], one.opening.at, due, not any(at <= due for at in handled))


def _urgent(subject: Subject, rule: Rule) -> Iterator[Trial]:
    for one in subject.episodes:
        if one.issue["priority"] == "high":
            due = one.opening.at + rule.limit
            is_closed = one.closing is not None and one.closing.at <= due
            yield Trial(one.issue["id"], one.opening.at, due, not is_closed)


def _backlog(subject: Subject, rule: Rule) -> Iterator[Trial]:
    for one in subject.episodes:
        due = one.opening.at + rule.limit
        if one.end > due:
            yield Trial(one.issue["id"], due, due, counts=True)
            if one.closing is not None:
                yield Trial(one.issue["id"], one.closing.at, one.closing.at, counts=False)


def _ownership(subject: Subject, _rule: Rule) -> Iterator[Trial]:
    for one in subject.episodes:
        if one.closing is None or not one.is_resolved:
            continue
        for span in one.assignments:
            if span.holds_before(one.closing.at) and span.kind == "user":
                at = one.closing.at
                yield Trial(one.issue["id"], one.opening.at, at, None, span.assignee)


def _unstable(subject: Subject, _rule: Rule) -> Iterator[Trial]:
    for row in subject.releases:
        if row["has_failed"] is not None:
            at = row["released_at"]
            yield Trial(str(row["release_id"]), at, at + EARLY, row["has_failed"])


def _hotfixes(subject: Subject, _rule: Rule) -> Iterator[Trial]:
    for row in subject.releases:
        is_out = row["release_state"] in {"mature", "immature"}
        if is_out and row["was_hotfixed"] is not None:
            at = row["released_at"]
            yield Trial(str(row["release_id"]), at, at + HOTFIX, row["was_hotfixed"])


def _weekdays(subject: Subject, _rule: Rule) -> Iterator[Trial]:
    for row in subject.releases:
        if row["is_mature"]:
            at = row["released_at"]
            name, count = WEEKDAYS[at.weekday()], row["early_new_severe_issue_count"]
            yield Trial(str(row["release_id"]), at, at + EARLY, None, name, count)


def _noise(subject: Subject, rule: Rule) -> Iterator[Trial]:
    for day, count in subject.accepted.get(subject.id, {}).items():
        counts = [known.get(day, 0) for known in subject.accepted.values()]
        is_complete = day < subject.facts.as_of.date()
        if is_complete and sum(one > 0 for one in counts) >= float(rule.row["rule_limit"]):
            begin = midnight(day)
            yield Trial(str(day), begin, begin + DAY, 2 * count > sum(counts))


TRIALS: dict[str, Callable[[Subject, Rule], Iterator[Trial]]] = {
    "regressions_after_resolution": _regressions,
    "growing_stale_backlog": _backlog,
    "slow_first_assignment": _slow,
    "one_person_carries_all": _ownership,
    "reassignment_ping_pong": _ping_pong,
    "archived_instead_of_fixed": _at_closing(_closings({"archived"}), _kind("archived")),
    "resolved_without_release": _without_release,
    "resolved_by_nobody": _at_closing(_closings(set()), lambda one: not one.is_assigned_at_close),
    "closed_by_age": _at_closing(_closings({"archived", "by_age"}), _kind("by_age")),
    "urgent_left_open": _urgent,
    "unstable_releases": _unstable,
    "hotfix_chains": _hotfixes,
    "weekday_effect": _weekdays,
    "noisy_project": _noise,
}
"""By the name of the rule; error_growth counts days in its own way."""

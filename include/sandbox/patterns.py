"""Process problems that can be planted: a healthy organization, in which one team goes wrong.

An analysis that is worth anything finds each of them, and nothing where none is planted.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from include.sandbox.catalog import plans
from include.sandbox.habits import HEALTHY
from include.sandbox.pacing import DAY_S, HOUR_S, weekday
from include.sandbox.story import Story
from include.sandbox.trains import TRAINS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from include.sandbox.catalog import ProjectPlan
    from include.sandbox.dice import Dice
    from include.sandbox.story import Shelf
    from include.sandbox.trains import Train

EXTRA_ISSUES = 5
"""Issues that a release on a bad weekday brings besides."""
GROWTH_DAYS = 28


@dataclass(frozen=True, slots=True)
class Pattern:
    """A process problem and what brings it about.

    Attributes:
        slug: The project it is planted in.
        plan: Changed attributes of its `ProjectPlan`.
        habits: Changed attributes of its `Habits`.
        train: Changed attributes of its `Train`.
        age_hours: The project's auto-resolve age, where the pattern is about it.
    """

    slug: str
    plan: Mapping[str, Any] = field(default_factory=dict)
    habits: Mapping[str, Any] = field(default_factory=dict)
    train: Mapping[str, Any] = field(default_factory=dict)
    age_hours: int | None = None


PATTERNS: dict[str, Pattern] = {
    "regressions_after_resolution": Pattern("shop-api", {"regression_rate": 0.8}),
    "growing_stale_backlog": Pattern(
        "shop-web", {"resolve_rate": 0.1}, {"archive_rate": 0.02, "interest": (1.0, 1.0)}
    ),
    "slow_first_assignment": Pattern(
        "shop-api", {"resolution_days": 9.0}, {"assignment_days": 30.0}
    ),
    "one_person_carries_all": Pattern("billing", {"overload": 0.8}),
    "reassignment_ping_pong": Pattern(
        "shop-worker", {"resolution_days": 10.0}, {"handover_rate": 0.95, "return_rate": 0.95}
    ),
    "archived_instead_of_fixed": Pattern(
        "android-app", {"resolve_rate": 0.2}, {"archive_rate": 0.78}
    ),
    "resolved_without_release": Pattern(
        "search", {}, {"resolutions": (("set_resolved", 1.0), ("in_release", 0.0))}
    ),
    "resolved_by_nobody": Pattern("shop-worker", {}, {"interest": (0.03, 0.03)}),
    "closed_by_age": Pattern("data-jobs", {"resolution_days": 30.0}, {}, {}, 72),
    "urgent_left_open": Pattern("billing", {}, {"urgent_delay": 40.0}),
    "unstable_releases": Pattern("shop-web", {}, {"failure_share": 0.85}),
    "hotfix_chains": Pattern("shop-web", {}, {}, {"hotfix_share": 0.9, "chain": 3}),
    "weekday_effect": Pattern("shop-web", {}, {"bad_weekday": 4}, {"period_days": 1.6}),
    "error_growth": Pattern("shop-api", {"noise": 1.0}, {"growth": 8.0}),
    "noisy_project": Pattern("shop-web", {"noise": 60.0}),
}
"""By the name of the problem."""


def planted_plans(created_at: datetime, patterns: Collection[str]) -> tuple[ProjectPlan, ...]:
    """Return healthy projects of the same size, those with a planted problem changed.

    Raises:
        KeyError: There is no pattern of a name.
    """
    chosen = [PATTERNS[name] for name in sorted(patterns)]
    healthy = (_healthy(plan) for plan in plans(created_at))
    return tuple(_planted(plan, chosen) for plan in healthy)


def _healthy(plan: ProjectPlan) -> ProjectPlan:
    return replace(
        plan,
        project=replace(plan.project, resolve_age_hours=None),
        share=1.0 if plan.share else 0.0,
        noise=0.3,
        resolution_days=1.5,
        resolve_rate=0.93,
        regression_rate=0.03,
        overload=0.0,
        habits=HEALTHY,
    )


def _planted(plan: ProjectPlan, chosen: Sequence[Pattern]) -> ProjectPlan:
    for pattern in chosen:
        if pattern.slug == plan.project.slug:
            age_hours = pattern.age_hours or plan.project.resolve_age_hours
            plan = replace(
                plan,
                **pattern.plan,
                project=replace(plan.project, resolve_age_hours=age_hours),
                habits=replace(plan.habits, **pattern.habits),
            )
    return plan


def planted_trains(patterns: Collection[str]) -> tuple[Train, ...]:
    """Return trains without hotfixes, those with a planted problem changed."""
    trains = [replace(train, hotfix_share=0.02) for train in TRAINS]
    for pattern in (PATTERNS[name] for name in sorted(patterns)):
        trains = [
            replace(train, **pattern.train) if pattern.slug in train.slugs else train
            for train in trains
        ]
    return tuple(trains)


def planted_stories(plan: ProjectPlan, shelf: Shelf, dice: Dice, since: float) -> Iterator[Story]:
    """Yield the issues that a project's bad releases bring, from a moment on."""
    habits = plan.habits
    for created in shelf.created:
        if created < since:
            continue
        if dice.chance(habits.failure_share):
            yield _story(plan, shelf, dice, created, loudness=60.0)
        if weekday(created) == habits.bad_weekday:
            for _ in range(EXTRA_ISSUES):
                yield _story(plan, shelf, dice, created, loudness=1.0)


def _story(
    plan: ProjectPlan, shelf: Shelf, dice: Dice, created: float, *, loudness: float
) -> Story:
    first = int(created + dice.between(1.5, 20) * HOUR_S)
    story = Story(dice.fork(), plan, shelf, first)
    story.level, story.loudness = "error", loudness
    # Its first event names the release, as that of a regression does.
    story.added.append(first)
    return story


def growth_from(now: datetime) -> float:
    """Return from when on events grow, where they do: epoch seconds."""
    return now.timestamp() - GROWTH_DAYS * DAY_S

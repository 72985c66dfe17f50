"""Generates the stand-in organization: a year of history and some months that are still to come."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from include.sandbox.accidents import befall
from include.sandbox.assembly import issues_of
from include.sandbox.catalog import (
    ENVIRONMENTS,
    ORGANIZATION_ID,
    ORGANIZATION_SLUG,
    PEOPLE,
    TEAMS,
    plans,
)
from include.sandbox.dice import Dice
from include.sandbox.organization import Organization
from include.sandbox.pacing import DAY_S
from include.sandbox.patterns import (
    growth_from,
    planted_plans,
    planted_stories,
    planted_trains,
)
from include.sandbox.spells import live
from include.sandbox.story import Shelf, Story
from include.sandbox.traffic import arrivals
from include.sandbox.trains import TRAINS, releases
from include.sandbox.triage import quarrel

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from include.sandbox.catalog import ProjectPlan
    from include.sandbox.organization import Project, Release

DEFAULT_NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
SEARCH_WINDOW_DAYS = 90
QUIET_SHARE = 0.14
"""Share of the issues older than the search window that had no event in it."""
FEEDBACK_SHARE, FIRST_FEEDBACK = 0.004, 5
"""Share of user feedback, which search hides; this position always is, so that some exists."""
QUARREL_EVERY, QUARRELS = 1400, (20, 27)
"""Of so many issues these are argued about in more than a hundred activities."""
LEVELS = (("error", 0.83), ("warning", 0.08), ("fatal", 0.05), ("info", 0.04))


def generate(  # noqa: PLR0913, PLR0917 - each has its own default
    seed: int,
    now: datetime,
    issues: int = 6000,
    days: int = 365,
    horizon_days: int = 120,
    patterns: Collection[str] | None = None,
) -> Organization:
    """Return an organization with everything that happens to it, the future included.

    The same arguments give the same organization on every supported Python.

    Args:
        seed: Any number from 0 on.
        now: Where the clock will start; aware UTC.
        issues: Issues first seen until `now`; more follow after it at the same pace. At least
            85 % have an event in the last 90 days. From 100 on every kind of story occurs.
        days: Length of the history.
        horizon_days: Length of the future.
        patterns: Process problems to plant in an organization that is healthy otherwise (see
            `patterns.PATTERNS`), none for a healthy one. Without them it is an ordinary one.

    Raises:
        ValueError: `now` is naive, or there are fewer than 30 issues.
    """
    if now.tzinfo is None:
        raise ValueError("now must be an aware time in UTC")
    if issues < 30:
        raise ValueError("an organization needs at least 30 issues")
    now = now.astimezone(UTC)
    start = (now - timedelta(days=days)).replace(minute=0, second=0, microsecond=0)
    horizon = now + timedelta(days=horizon_days)
    created_at = start - timedelta(days=420)
    founded = created_at + timedelta(days=2)
    project_plans = plans(founded) if patterns is None else planted_plans(founded, patterns)
    projects = tuple(plan.project for plan in project_plans)
    # Trains run a while before the history starts, so that the first events have a release.
    schedule = TRAINS if patterns is None else planted_trains(patterns)
    trains = releases(seed, projects, start - timedelta(days=40), horizon, schedule)
    firsts = _first_times(seed, now, issues, days, horizon)
    versions = _versions(trains)
    shelves = {plan.project.id: _shelf(plan.project, trains, versions) for plan in project_plans}
    stories = _begin(seed, firsts, project_plans, shelves)
    if patterns is not None:
        stories += _planted(seed, project_plans, shelves, start)
        stories.sort(key=lambda story: story.first)
    for position, story in enumerate(stories):
        is_quarrel = patterns is None and position % QUARREL_EVERY in QUARRELS
        _write(story, now, horizon, is_quarrel=is_quarrel, is_promised=patterns is None)
    ids = _issue_ids(seed, len(stories))
    befall(stories, ids, Dice(seed, 4))
    return Organization(
        id=ORGANIZATION_ID,
        slug=ORGANIZATION_SLUG,
        created_at=created_at,
        seed=seed,
        now=now,
        start=start,
        horizon=horizon,
        issue_count=issues,
        projects=projects,
        teams=TEAMS,
        people=PEOPLE,
        environments=ENVIRONMENTS,
        releases=trains,
        versions=versions,
        issues=issues_of(stories, ids),
    )


def _versions(trains: Sequence[Release]) -> tuple[str, ...]:
    """Return the versions by code; code 0 is "no release"."""
    return ("", *(release.version for release in trains))


def _shelf(project: Project, trains: Sequence[Release], versions: Sequence[str]) -> Shelf:
    mine = [
        (release.created_at.timestamp(), code)
        for code, release in enumerate(trains, start=1)
        if project.id in release.project_ids
    ]
    return Shelf([created for created, _ in mine], [code for _, code in mine], versions)


def _first_times(seed: int, now: datetime, issues: int, days: int, horizon: datetime) -> list[int]:
    """Return when issues are first seen, sorted; over a third of the past ones in 90 days.

    Sentry removes issues some 90 days after their last event, so an organization holds more
    young issues than old ones. The future goes on at the pace of the present.
    """
    rng = Dice(seed, 3).rng
    scale = days * 0.8
    reach = 1.0 - math.exp(-days / scale)
    ages = -scale * np.log1p(-rng.random(issues) * reach)
    future_days = (horizon - now).total_seconds() / DAY_S
    coming = rng.random(round(issues / (scale * reach) * future_days)) * future_days
    moments = now.timestamp() + DAY_S * np.concatenate([-ages, coming])
    return [int(first) for first in np.sort(moments)]


def _issue_ids(seed: int, count: int) -> list[str]:
    """Return rising ids with gaps, as other customers' issues lie between."""
    steps = Dice(seed, 6).rng.integers(1, 900, count)
    return [str(number) for number in (6_100_000_000 + np.cumsum(steps)).tolist()]


def _begin(
    seed: int,
    firsts: Sequence[int],
    project_plans: Sequence[ProjectPlan],
    shelves: Mapping[str, Shelf],
) -> list[Story]:
    """Begin a story for every first event: its project and what kind of issue it is."""
    shares = [(plan, plan.share) for plan in project_plans]
    stories = []
    for position, first in enumerate(firsts):
        dice = Dice(seed, 7, position)
        plan = dice.weighted(shares)
        story = Story(dice, plan, shelves[plan.project.id], first)
        story.level = dice.weighted(LEVELS)
        story.is_unhandled = dice.chance(0.45)
        if dice.chance(FEEDBACK_SHARE) or position == FIRST_FEEDBACK:
            story.category, story.level = "feedback", "info"
        stories.append(story)
    return stories


def _planted(
    seed: int, project_plans: Sequence[ProjectPlan], shelves: Mapping[str, Shelf], start: datetime
) -> list[Story]:
    """Begin the stories that planted problems bring."""
    return [
        story
        for number, plan in enumerate(project_plans)
        for story in planted_stories(
            plan, shelves[plan.project.id], Dice(seed, 8, number), start.timestamp()
        )
    ]


def _write(
    story: Story, now: datetime, horizon: datetime, *, is_quarrel: bool, is_promised: bool
) -> None:
    """Decide when the issue has events, then write its life.

    Where events are promised, most old issues have one in the window that a search covers.
    """
    dice, present = story.dice, now.timestamp()
    story.end = story.events_end = horizon.timestamp()
    window_start = present - SEARCH_WINDOW_DAYS * DAY_S
    if story.plan.habits.growth != 1.0:
        story.louder_from = growth_from(now)
    if is_promised and story.first < window_start + DAY_S / 2:
        if dice.chance(QUIET_SHARE):
            story.events_end = max(story.first + 1.0, window_start - DAY_S / 2)
        else:
            story.needed = int(dice.between(window_start + DAY_S, present))
    story.shape, story.raw = arrivals(story.first, story.events_end, story.needed, dice)
    if story.category == "feedback":
        return
    if is_quarrel:
        quarrel(story)
    else:
        live(story)

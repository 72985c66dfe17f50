"""Sixty days of an organization, and the loads that watched it, good and bad."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import cycle
from typing import Any

import pytest

from dlt_sources.sentry.errors import LoadFailed, Retryable
from tests.integration.conftest import Connection
from tests.integration.cutting import cut_off_at

DAYS = 60
LOADS = 150
AUDIT = 50

SMALL = {"probability": 0.03}
WEATHER = [
    {"kind": "server_error", **SMALL},
    {"kind": "rate_limited", **SMALL},
    {"kind": "concurrency", "probability": 0.01},
    {"kind": "truncated_json", "probability": 0.01},
    {"kind": "dropped_connection", "probability": 0.01},
    {"kind": "html_200", "probability": 0.01},
    {"kind": "query_timeout", "probability": 0.02},
    {"kind": "deprecated", **SMALL},
]
"""What happens to single requests on a bad day; a load gets through it, or is repeated."""

OUTAGE = [{"kind": "none", "times": 40}, {"kind": "server_error"}]
"""Sentry goes down after some requests: the load fails in its midst."""


@dataclass
class Watched:
    """What happened while an organization was watched.

    Attributes:
        begun: When the first load ran.
        loads: When loads ended well.
        begun_loads: When any began, those that failed later too.
        failed: What ended the others, by kind of failure.
        disturbed: How many loads met what.
    """

    begun: datetime
    loads: list[datetime] = field(default_factory=list)
    begun_loads: list[datetime] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)
    disturbed: Counter[str] = field(default_factory=Counter)


def pauses(dice: random.Random) -> Iterator[timedelta]:
    """Yield the times between loads: mostly some hours, now and then days, or next to nothing."""
    left = timedelta(days=DAYS)
    for number in range(LOADS):
        mean = left / (LOADS - number)
        kind = dice.random()
        if kind < 0.06:
            pause = timedelta(days=dice.uniform(1, 3))
        elif kind < 0.16:
            pause = timedelta(minutes=dice.uniform(0, 20))
        else:
            pause = mean * dice.uniform(0.3, 1.6)
        pause = min(pause, left)
        left -= pause
        yield pause


def watch(connection: Connection, seed: int) -> Watched:
    """Let sixty days pass with a load every few hours, some of them against a failing Sentry."""
    dice, watched = random.Random(seed), Watched(connection.sandbox.clock.now)
    _load(connection, watched, None, dice)
    coming = cycle(TROUBLES)
    for number, pause in enumerate(pauses(dice)):
        connection.advance(seconds=pause.total_seconds())
        trouble = next(coming) if dice.random() < 0.4 else None
        if trouble == "drift" and number > LOADS / 2:
            trouble = None  # what could not be read is read again within the audit period
        _load(connection, watched, trouble, dice)
    # The last one is a daily one, and undisturbed: every known issue is read by it.
    connection.advance(hours=25)
    _load(connection, watched, None, dice)
    return watched


def _load(
    connection: Connection, watched: Watched, trouble: str | None, dice: random.Random
) -> None:
    watched.disturbed[str(trouble)] += 1
    at = connection.sandbox.clock.now
    watched.begun_loads.append(at)
    try:
        with TROUBLES[trouble](connection, dice) if trouble else _nothing():
            connection.load()
    except (LoadFailed, Retryable) as failure:
        watched.failed[type(failure).__name__] += 1
        if trouble is None:
            raise
        return
    watched.loads.append(at)


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def _behaving(**behaviours: Any) -> Callable[[Connection, random.Random], Any]:
    def trouble(connection: Connection, _dice: random.Random) -> Any:
        return connection.sandbox.behaviours.during(**behaviours)

    return trouble


@contextmanager
def _weather(connection: Connection, dice: random.Random) -> Iterator[None]:
    faults = [{**fault, "seed": dice.randrange(10**6)} for fault in WEATHER]
    with connection.sandbox.behaviours.during(faults=faults):
        yield


@contextmanager
def _hidden(connection: Connection, dice: random.Random) -> Iterator[None]:
    project = dice.choice(connection.organization.projects)
    with connection.sandbox.behaviours.during(hidden_projects=[project.id]):
        yield


@contextmanager
def _killed(_connection: Connection, dice: random.Random) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        cut_off_at(patch, dice.randint(1, 8))
        yield


TROUBLES: dict[str, Callable[[Connection, random.Random], Any]] = {
    "weather": _weather,
    "more weather": _weather,
    "outage": _behaving(faults=OUTAGE),
    "killed": _killed,
    "hidden": _hidden,
    "one project at a time": _behaving(global_views=False),
    "slow queries": _behaving(query_timeout_hours=30),
    "short pages": _behaving(short_pages=True),
    "action log": _behaving(action_log=True),
    "group= ignored": _behaving(group_parameter="ignored"),
    "no counts": _behaving(missing_endpoints=["issues-timeseries"]),
    "drift": _behaving(drift=True),
}

"""What a load may cost: the bounds in `docs/loading.md`, counted in the sandbox.

A, H, C and R are computed from the ground truth; what the loader says of itself is not asked.
"""

from dataclasses import dataclass
from math import ceil

import pytest

from include.sandbox.state import release_state
from include.sandbox.tallies import seen
from tests.integration.conftest import SALT, Connection
from tests.integration.truth.ledger import DAILY, Ledger

AUDIT = 50
PAUSES_H = (1, 1, 2, 5, 1, 9, 25, 1, 1, 3, 30, 1, 6)
"""Hours between loads; the ones of a day and more make a daily load."""


@dataclass(frozen=True)
class Cost:
    """What a load cost, and what it may have.

    Attributes:
        requests: Requests that the sandbox counted.
        hourly: The bound of an hourly load.
        daily: What a daily load may ask for besides.
        is_daily: It is one.
        allowed: The parts of the bound, to be read when it is missed.
    """

    requests: int
    hourly: int
    daily: int
    is_daily: bool
    allowed: dict[str, int]


@pytest.fixture(scope="module")
def costs(connection: Connection) -> list[Cost]:
    truth = Ledger(connection.organization, SALT)
    connection.load()
    truth.load(connection.sandbox.clock.now)
    found = []
    for pause in PAUSES_H:
        connection.advance(hours=pause)
        found.append(_cost(connection, truth))
    return found


def _cost(connection: Connection, truth: Ledger) -> Cost:
    organization, before, at = (
        connection.organization,
        truth.loads[-1],
        connection.sandbox.clock.now,
    )
    hot = sum(
        row["tombstone"] is None and truth._is_hot(issue_id, at)
        for issue_id, row in truth.issues.items()
    )
    known = sum(row["tombstone"] is None for row in truth.issues.values())
    is_daily = truth.swept is not None and at - truth.swept >= DAILY
    active = len(seen(organization, at, *truth._window(at)))
    truth.load(at)
    gone = [row for row in truth.issues.values() if row["tombstone"] and row["observed_at"] == at]
    released = sum(
        release_state(one, at).deploys != release_state(one, before).deploys
        for one in organization.releases
    )
    connection.sandbox.requests.reset()
    connection.load()
    projects = len(organization.projects)
    releases = sum(one.created_at <= at for one in organization.releases)
    allowed = {
        "pages of active issues": ceil(active / 100),
        "pages of hot issues": ceil(hot / 100),
        "changed issues": len(truth.changed) + len(gone),
        "releases deployed": released,
        "twice the projects": 2 * projects,
        "audit": AUDIT,
        "constant": 20,
    }
    # The day that became final, or changed beyond the budget, has up to 10 pages here.
    daily = ceil((known - hot) / 100) + projects + ceil(releases / 100) + 1 + 5 + 4 * 10
    return Cost(connection.sandbox.requests.total, sum(allowed.values()), daily, is_daily, allowed)


def test_an_hourly_load_keeps_to_its_bound(costs: list[Cost]) -> None:
    hourly = [cost for cost in costs if not cost.is_daily]
    assert len(hourly) >= 8
    missed = [cost for cost in hourly if cost.requests > cost.hourly]
    assert missed == []


def test_a_daily_load_keeps_to_its_bound(costs: list[Cost]) -> None:
    daily = [cost for cost in costs if cost.is_daily]
    assert len(daily) >= 2
    missed = [cost for cost in daily if cost.requests > cost.hourly + cost.daily]
    assert missed == []


def test_the_bounds_are_tight_enough_to_mean_something(costs: list[Cost]) -> None:
    """A load that read every known issue's history, or every release, would miss them."""
    assert all(cost.requests > cost.hourly / 3 for cost in costs)
    assert all(cost.hourly < 250 for cost in costs)

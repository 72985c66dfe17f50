"""Incidents: each is told by one process, in both databases."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from include.connections.incidents import CLAIMED, Incident, Incidents, Kind
from tests.unit.connections.conftest import GRANT, SENTRY

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.fixture
def incidents(registry):
    return Incidents(registry.database)


@pytest.fixture
def incident(registry):
    """Return a function that makes an incident of a connection of its own."""

    def make(kind=Kind.LOST, hours=1):
        begun = registry.begin(SENTRY, GRANT, "tests")
        return Incident(begun.id, kind, NOW - timedelta(hours=hours))

    return make


def test_what_is_open_already_stays_as_it_began(incidents, incident):
    first = incident(hours=5)
    incidents.open(first)
    incidents.open(Incident(first.connection_id, first.kind, NOW))
    assert incidents.all() == [first]


def test_what_is_over_is_forgotten_and_what_began_meanwhile_is_not(incidents, incident):
    over, goes_on, meanwhile, fresh = (incident(hours=n) for n in (4, 3, 2, 1))
    for one in (over, goes_on):
        incidents.open(one)
    before = incidents.all()
    incidents.open(meanwhile)
    incidents.settle(before, [goes_on, fresh])
    assert incidents.all() == [goes_on, meanwhile, fresh]


def test_a_connection_may_have_several(incidents, incident):
    late = incident(Kind.PURGE_LATE)
    broken = Incident(late.connection_id, Kind.PURGE_BROKEN, late.since)
    incidents.settle([], [late, broken])
    assert {one.kind for one in incidents.claim(NOW)} == {Kind.PURGE_LATE, Kind.PURGE_BROKEN}


def test_one_that_was_told_is_not_claimed_again(incidents, incident):
    one, two = incident(hours=2), incident(hours=1)
    incidents.settle([], [one, two])
    assert incidents.claim(NOW) == [one, two]
    assert incidents.claim(NOW) == []
    incidents.release([one], NOW)
    incidents.release([two], None)
    assert incidents.claim(NOW) == [two]
    assert incidents.last_told() == NOW


def test_a_claim_lapses(incidents, incident):
    one = incident()
    incidents.open(one)
    assert incidents.claim(NOW) == [one]
    assert incidents.claim(NOW + CLAIMED) == []
    assert incidents.claim(NOW + CLAIMED + timedelta(seconds=1)) == [one]


def test_of_many_who_claim_at_once_one_gets_each(incidents, incident):
    made = [incident(hours=n) for n in range(10)]
    incidents.settle([], made)
    with ThreadPoolExecutor(6) as pool:
        claimed = [
            one for found in pool.map(lambda _: incidents.claim(NOW), range(6)) for one in found
        ]
    assert sorted(one.connection_id for one in claimed) == sorted(one.connection_id for one in made)


def test_what_was_over_before_it_was_told_is_left_alone(incidents, incident):
    one = incident()
    incidents.open(one)
    claimed = incidents.claim(NOW)
    incidents.settle(incidents.all(), [])
    incidents.release(claimed, NOW)
    assert incidents.all() == []

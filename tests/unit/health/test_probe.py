"""A probe waits for a limited time, asks seldom, and says what failed without saying too much."""

import time
from threading import Event

import pytest
from sqlalchemy.exc import OperationalError

from include.health.examining import Examination
from include.health.model import Finding, Status
from include.health.probe import Probe
from include.settings import InvalidSettings

REGISTRY = (
    "The registry's database cannot be used now. Check that it runs, and CORVANA_REGISTRY_URL."
)
GOOD = Finding(Status.HEALTHY, "It works.")


def seen(look, limit_s=5.0, keep_s=60.0, **options):
    probe = Probe(look, limit_s=limit_s, keep_s=keep_s, **options)
    probe.begin()
    return probe.finding()


def test_what_was_seen_is_good_for_a_while():
    looks = []
    probe = Probe(lambda: looks.append(1) or GOOD, limit_s=5, keep_s=0.2)
    for _ in range(50):
        probe.begin()
        assert probe.finding() is GOOD
    assert len(looks) == 1
    time.sleep(0.25)
    probe.begin()
    assert probe.finding() is GOOD
    assert len(looks) == 2


def test_what_hangs_is_unhealthy_and_is_not_asked_again_meanwhile():
    looks, go_on = [], Event()

    def hang():
        looks.append(1)
        go_on.wait(30)
        return GOOD

    probe = Probe(hang, limit_s=0.1, keep_s=60)
    for _ in range(3):
        began = time.monotonic()
        probe.begin()
        found = probe.finding()
        assert time.monotonic() - began < 2
        assert found.status is Status.UNHEALTHY
        assert found.sentence == "There was no answer within 0.1 seconds."
    assert len(looks) == 1
    go_on.set()
    probe._thread.join(5)
    assert probe.finding() is GOOD


def test_what_hangs_may_be_less_than_unhealthy():
    go_on = Event()
    found = seen(lambda: go_on.wait(30) and GOOD, limit_s=0.05, late=Status.DEGRADED)
    go_on.set()
    assert found.status is Status.DEGRADED


@pytest.mark.parametrize(
    ("failure", "sentence"),
    [
        (InvalidSettings("CORVANA_X is 'no'."), "CORVANA_X is 'no'."),
        (
            OperationalError("select a secret", {}, Exception("a secret")),
            REGISTRY,
        ),
        (RuntimeError("a secret"), "The check itself failed (RuntimeError)."),
    ],
    ids=["in sentences", "registry", "unforeseen"],
)
def test_a_failure_is_a_finding_that_shows_no_more_than_we_wrote(failure, sentence, caplog):
    def fail():
        raise failure

    assert seen(fail) == Finding(Status.UNHEALTHY, sentence)
    assert "a secret" not in caplog.text


def test_the_worst_finding_is_the_health_of_all():
    def of(*statuses):
        probes = {
            str(number): Probe(lambda one=one: Finding(one, ""), limit_s=5, keep_s=5)
            for number, one in enumerate(statuses)
        }
        return Examination(probes).health().status

    healthy, degraded, unhealthy = Status
    assert of(healthy, healthy) is healthy
    assert of(healthy, degraded) is degraded
    assert of(degraded, unhealthy, healthy) is unhealthy


def test_all_are_looked_at_together():
    def look():
        time.sleep(0.5)
        return GOOD

    slow = {str(number): Probe(look, limit_s=5, keep_s=5) for number in range(6)}
    began = time.monotonic()
    assert Examination(slow).health().status is Status.HEALTHY
    assert time.monotonic() - began < 2

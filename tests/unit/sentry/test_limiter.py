"""Pacing: the ceiling, the gate, the customer's share, and what a 429 does; all in fake time."""

import threading
from itertools import pairwise

import pytest

from dlt_sources.sentry.limiter import RECOVERY_S, Limiter


@pytest.fixture
def limiter(time):
    return lambda per_second, **options: Limiter(
        per_second, clock=time.clock, sleep=time.sleep, **options
    )


def starts(one, time, count):
    """Seconds from now at which so many requests start, one after another."""
    began = time.now
    found = []
    for _ in range(count):
        with one.turn():
            found.append(round(time.now - began, 3))
    return found


def test_starts_are_spaced_evenly(limiter, time):
    one = limiter(4)
    assert starts(one, time, 4) == [0, 0.25, 0.5, 0.75]
    assert one.waited_s == pytest.approx(0.75)


def test_time_that_passes_by_itself_counts(limiter, time):
    one = limiter(4)
    starts(one, time, 1)
    time.now += 10
    assert starts(one, time, 1) == [0]


def test_without_a_ceiling_nothing_waits(limiter, time):
    assert starts(limiter(None), time, 100) == [0] * 100


def test_waiting_before_a_retry_counts_as_waited(limiter, time):
    one = limiter(None)
    one.sleep(3)
    assert (one.waited_s, time.sleeps) == (3, [3])


@pytest.mark.parametrize(
    ("limit", "remaining", "waits"),
    [
        (40, 9, False),
        (40, 8, True),
        (40, 0, True),
        (5, 2, False),
        (5, 1, True),
        (3, 2, False),
        (3, 1, True),
        (2, 1, True),
        (1, 0, True),
        (None, 1, False),
        (None, 0, True),
        (40, None, False),
    ],
)
def test_a_fifth_of_the_budget_is_left_to_the_customer(limiter, time, limit, remaining, waits):
    one = limiter(None)
    one.observe(limit, remaining, reset_s=7)
    assert starts(one, time, 2) == ([7, 7] if waits else [0, 0])


def test_a_window_that_has_ended_is_not_waited_for(limiter, time):
    one = limiter(None)
    one.observe(40, 0, reset_s=0)
    one.observe(40, 0, reset_s=None)
    assert starts(one, time, 1) == [0]


def test_an_absurd_reset_is_waited_for_no_longer_than_a_quarter_of_an_hour(limiter, time):
    one = limiter(None)
    one.observe(40, 0, reset_s=1e12)
    assert starts(one, time, 1) == [900]


def test_a_shorter_pause_does_not_end_a_longer_one(limiter, time):
    one = limiter(None)
    one.observe(40, 0, reset_s=7)
    one.observe(40, 0, reset_s=1)
    assert starts(one, time, 1) == [7]


def test_a_pause_that_begins_while_one_waits_holds_it_back(limiter, time):
    one = limiter(1)
    starts(one, time, 1)
    sleep = time.sleep

    def interrupted(seconds):
        sleep(seconds)
        if len(time.sleeps) == 1:
            one.observe(40, 0, reset_s=7)

    one._sleep = interrupted
    assert starts(one, time, 2) == [8, 9]


def test_a_429_pauses_and_halves_the_ceiling(limiter, time):
    one = limiter(4)
    one.back_off(10)
    assert starts(one, time, 3) == pytest.approx([10, 10.5, 11], abs=0.02)


def test_the_ceiling_recovers_within_a_minute_and_is_never_exceeded(limiter, time):
    one = limiter(4)
    one.back_off(10)
    found = starts(one, time, 300)
    gaps = [later - earlier for earlier, later in pairwise(found)]
    assert gaps[0] == pytest.approx(0.5, abs=0.01)
    assert min(gaps) > 0.249
    assert all(later < earlier + 0.002 for earlier, later in pairwise(gaps))
    recovered = next(start for start, gap in zip(found, gaps, strict=False) if gap < 0.2505)
    assert recovered == pytest.approx(10 + RECOVERY_S / 2, abs=1)


def test_every_new_429_halves_again_down_to_a_sixteenth(limiter, time):
    one = limiter(16)
    rates = []
    for _ in range(6):
        one.back_off(1)
        first, second = starts(one, time, 2)
        rates.append(1 / (second - first))
    assert rates[0] == pytest.approx(8, rel=0.1)
    assert rates[1] == pytest.approx(4, rel=0.1)
    assert rates[-1] == pytest.approx(1, rel=0.3)


def test_429s_of_requests_that_were_under_way_together_halve_once(limiter, time):
    one = limiter(4)
    for _ in range(4):
        one.back_off(10)
    first, second = starts(one, time, 2)
    assert second - first == pytest.approx(0.5, abs=0.01)


def test_a_429_sets_a_ceiling_where_there_was_none(limiter, time):
    one = limiter(None)
    one.back_off(10)
    first, second = starts(one, time, 2)
    assert second - first == pytest.approx(1 / 5, abs=0.01)
    time.now += RECOVERY_S
    assert starts(one, time, 3) == [0, 0, 0]


def under_way_at_once(one, threads=6):
    most, now, lock = 0, 0, threading.Lock()
    arrived = threading.Semaphore(0)
    leave = threading.Event()

    def run():
        nonlocal most, now
        with one.turn():
            with lock:
                now += 1
                most = max(most, now)
            arrived.release()
            leave.wait(10)
            with lock:
                now -= 1

    running = [threading.Thread(target=run) for _ in range(threads)]
    for thread in running:
        thread.start()
    while arrived.acquire(timeout=0.1):
        pass
    leave.set()
    for thread in running:
        thread.join(10)
    return most


def test_no_more_requests_are_under_way_than_asked_for(limiter):
    assert under_way_at_once(limiter(None, concurrency=3)) == 3


@pytest.mark.parametrize(("allowed", "expected"), [(2, 2), (0, 1), (25, 3)])
def test_no_more_requests_are_under_way_than_sentry_allows(limiter, allowed, expected):
    one = limiter(None, concurrency=3)
    one.allow_at_once(allowed)
    one.allow_at_once(100)
    assert under_way_at_once(one) == expected


def test_a_failed_request_gives_its_place_back(limiter, time):
    one = limiter(None, concurrency=1)
    with pytest.raises(LookupError), one.turn():
        raise LookupError
    assert starts(one, time, 1) == [0]

"""Rate limits that really count, by the second and at once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from include.sandbox.behaviours import Behaviours
from include.sandbox.rate_limit import RateLimiter


class WallClock:
    """A clock that a test moves."""

    now = 1_000_000.5

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return WallClock()


def test_so_many_requests_pass_in_a_second_and_the_next_second_starts_anew(clock):
    limiter, three = RateLimiter(clock), Behaviours(requests_per_window=3)

    def one():
        refusal, headers = limiter.enter(three), limiter.headers(three)
        limiter.leave()
        return refusal is None, headers["X-Sentry-Rate-Limit-Remaining"]

    assert [one() for _ in range(5)] == [
        (True, "2"),
        (True, "1"),
        (True, "0"),
        (False, "0"),
        (False, "0"),
    ]
    clock.now += 0.4
    assert one() == (False, "0")
    clock.now += 0.1
    assert one() == (True, "2")


def test_reset_is_the_next_second_of_the_wall_clock(clock):
    limiter, limits = RateLimiter(clock), Behaviours(requests_per_window=3)
    limiter.enter(limits)

    assert limiter.headers(limits)["X-Sentry-Rate-Limit-Reset"] == "1000001"


def test_so_many_requests_may_be_under_way_at_once(clock):
    limiter, two = RateLimiter(clock), Behaviours(concurrency_limit=2)
    entered = [limiter.enter(two) for _ in range(3)]

    assert entered[:2] == [None, None]
    assert entered[2] is not None
    assert "Concurrency limit is 2" in entered[2]
    limiter.leave()
    limiter.leave()
    assert limiter.enter(two) is None


def test_the_server_refuses_beyond_its_limit_and_its_headers_are_honest(api):
    with api.sandbox.behaviours.during(requests_per_window=4):
        responses = [api.get("environments/") for _ in range(12)]
        passed = [one for one in responses if one.status_code == 200]
        refused = [one for one in responses if one.status_code == 429]

    assert len(passed) + len(refused) == 12
    assert 4 <= len(passed) <= 8  # the twelve may lie in two seconds
    assert {one.headers["X-Sentry-Rate-Limit-Limit"] for one in responses} == {"4"}
    assert passed[0].headers["X-Sentry-Rate-Limit-Remaining"] in {"3", "0"}
    assert all(one.headers["Content-Type"].startswith("text/html") for one in refused)
    assert all("Limit is 4 requests in 1 seconds" in one.text for one in refused)
    reset = int(refused[0].headers["X-Sentry-Rate-Limit-Reset"])
    assert abs(reset - time.time()) < 5
    assert api.get("environments/").headers["X-Sentry-Rate-Limit-Limit"] == "1000000"


def test_requests_that_overlap_are_refused_beyond_the_concurrency(api):
    with (
        api.sandbox.behaviours.during(concurrency_limit=2, latency_ms=200),
        ThreadPoolExecutor(4) as pool,
    ):
        responses = list(pool.map(lambda _: api.get("environments/"), range(4)))

    statuses = sorted(one.status_code for one in responses)
    assert statuses == [200, 200, 429, 429]
    assert {one.headers["X-Sentry-Rate-Limit-ConcurrentLimit"] for one in responses} == {"2"}
    with api.sandbox.behaviours.during(concurrency_limit=2):
        assert api.get("environments/").status_code == 200

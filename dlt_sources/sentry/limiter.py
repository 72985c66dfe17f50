"""Pacing of requests: below our own ceiling, and leaving the customer a share of Sentry's limits.

Sentry counts the requests of a user in fixed windows, our own together with those of that person's
browser (`ratelimits/utils.py::get_rate_limit_key`), so a budget that is used up is used up for them
too. Three rules:

- Starts are spaced evenly below the ceiling, and no more requests are under way at once than both
  we and Sentry allow.
- When no more than a fifth of a window's budget is left (and at least one request), nothing starts
  before the next window.
- After a 429 the ceiling halves. From the end of the pause on it rises steadily, by a whole ceiling
  a minute, until it is back (additive increase, multiplicative decrease).
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition, Lock

LONGEST_PAUSE_S = 900.0
RECOVERY_S = 60.0
SLOWEST = 1 / 16
"""Share of the ceiling below which 429s do not push it."""

CLOCK_STEP_S = 1e-6

ASSUMED_CEILING = 10.0
"""Requests per second taken as the ceiling after a 429 where none was set: a usual limit there."""


class Limiter:
    """Lets requests start when it is their turn. Safe to use from several threads.

    Args:
        max_per_second: Ceiling for requests started per second; None for none.
        concurrency: Requests under way at once.
        clock: Monotonic seconds.
        sleep: Waits for so many seconds.

    Attributes:
        waited_s: Seconds waited so far by all threads: for their turn, for Sentry's limits, and
            before they tried again.
    """

    def __init__(
        self,
        max_per_second: float | None,
        concurrency: int = 1,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._max_per_second = max_per_second
        self._clock = clock
        self._sleep = sleep
        self._lock = Lock()
        self._next_start = 0.0
        self._paused_until = 0.0
        self._slow_rate: float | None = None
        self._slow_until = 0.0
        self._slots = Condition()
        self._allowed = concurrency
        self._under_way = 0
        self.waited_s = 0.0

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until a request may start; it is under way until the block ends."""
        came = self._clock()
        with self._slots:
            self._slots.wait_for(lambda: self._under_way < self._allowed)
            self._under_way += 1
        try:
            self._wait_for_start()
            self._count(self._clock() - came)
            yield
        finally:
            with self._slots:
                self._under_way -= 1
                self._slots.notify()

    def sleep(self, seconds: float) -> None:
        """Sleep before a request is tried again. It must not be under way meanwhile."""
        self._sleep(seconds)
        self._count(seconds)

    def back_off(self, pause_s: float) -> None:
        """Start nothing for so many seconds, and less afterwards: Sentry answered 429.

        Further 429s to requests that were under way already make the pause longer, but not the
        ceiling lower.
        """
        with self._lock:
            now = self._clock()
            if now >= self._slow_until:
                ceiling = self._max_per_second or ASSUMED_CEILING
                rate = self._rate(now) or ceiling
                self._slow_rate = max(rate / 2, ceiling * SLOWEST)
            self._pause_until(now + pause_s)
            self._slow_until = max(self._slow_until, self._paused_until)

    def observe(self, limit: int | None, remaining: int | None, reset_s: float | None) -> None:
        """Take what a response says of the budget that it counted against.

        Args:
            limit: Requests of a window.
            remaining: Requests left in it.
            reset_s: Seconds until the next window, by the server's clock.
        """
        if remaining is None or reset_s is None:
            return
        reserve = max(1, limit // 5) if limit else 0
        if remaining <= reserve:
            with self._lock:
                self._pause_until(self._clock() + min(reset_s, LONGEST_PAUSE_S))

    def allow_at_once(self, requests: int) -> None:
        """Keep to Sentry's own limit of requests under way at once, if it is below ours."""
        with self._slots:
            self._allowed = max(1, min(self._allowed, requests))

    def _wait_for_start(self) -> None:
        """Wait for a start; anew where a pause began while waiting."""
        start = self._reserved_start()
        while (left := start - self._clock()) > CLOCK_STEP_S:
            self._sleep(left)
            if start < self._paused_until:
                start = self._reserved_start()

    def _reserved_start(self) -> float:
        with self._lock:
            start = max(self._clock(), self._next_start, self._paused_until)
            rate = self._rate(start)
            self._next_start = start + 1 / rate if rate else start
            return start

    def _rate(self, now: float) -> float | None:
        """Return the starts allowed per second; None if there is no ceiling."""
        if self._slow_rate is None:
            return self._max_per_second
        ceiling = self._max_per_second or ASSUMED_CEILING
        rate = self._slow_rate + ceiling * (now - self._slow_until) / RECOVERY_S
        return rate if rate < ceiling else self._max_per_second

    def _pause_until(self, moment: float) -> None:
        self._paused_until = max(self._paused_until, moment)

    def _count(self, seconds: float) -> None:
        with self._lock:
            self.waited_s += seconds

"""Real rate limits: requests are counted by wall-clock second, and those under way at once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from include.sandbox.behaviours import Behaviours

WINDOW_S = 1
UNLIMITED = 1_000_000


class RateLimiter:
    """Counts one user's requests, refused ones included (Sentry's ratelimits/redis.py does too)."""

    def __init__(self, wall_clock: Callable[[], float] = time.time) -> None:
        self._wall_clock = wall_clock
        self._second = 0
        self._used = 0
        self._under_way = 0

    def enter(self, behaviours: Behaviours) -> str | None:
        """Count a request that begins; return Sentry's sentence if it is too much."""
        second = int(self._wall_clock())
        if second != self._second:
            self._second, self._used = second, 0
        self._used += 1
        self._under_way += 1
        most, at_once = behaviours.requests_per_window, behaviours.concurrency_limit
        if most is not None and self._used > most:
            return too_frequent(most)
        if at_once is not None and self._under_way > at_once:
            return too_concurrent(at_once)
        return None

    def leave(self) -> None:
        """Count a request that has ended, refused or not."""
        self._under_way -= 1

    def headers(self, behaviours: Behaviours) -> dict[str, str]:
        """Return the honest headers; the limit that is not set is a generous number."""
        most = behaviours.requests_per_window or UNLIMITED
        at_once = behaviours.concurrency_limit or UNLIMITED
        return {
            "X-Sentry-Rate-Limit-Limit": str(most),
            "X-Sentry-Rate-Limit-Remaining": str(max(0, most - self._used)),
            "X-Sentry-Rate-Limit-Reset": str(self._second + WINDOW_S),
            "X-Sentry-Rate-Limit-ConcurrentLimit": str(at_once),
            "X-Sentry-Rate-Limit-ConcurrentRemaining": str(max(0, at_once - self._under_way)),
        }


def is_limiting(behaviours: Behaviours) -> bool:
    """Return whether any real limit is set."""
    return behaviours.requests_per_window is not None or behaviours.concurrency_limit is not None


def too_frequent(limit: int) -> str:
    """Return Sentry's sentence (middleware/ratelimit.py)."""
    return (
        "You are attempting to use this endpoint too frequently. "
        f"Limit is {limit} requests in {WINDOW_S} seconds"
    )


def too_concurrent(limit: int) -> str:
    """Return Sentry's sentence (middleware/ratelimit.py)."""
    return (
        "You are attempting to go above the allowed concurrency for this endpoint. "
        f"Concurrency limit is {limit}"
    )

"""Pacing of requests: below our own ceiling, and no faster than Sentry's headers allow."""

import time
from collections.abc import Callable
from threading import Lock


class Limiter:
    """Spaces the starts of requests evenly and pauses all of them when Sentry's budget is used up.

    Safe to use from several threads.

    Args:
        max_per_second: Ceiling for requests started per second.
        clock: Monotonic seconds.
        sleep: Waits for so many seconds.
    """

    def __init__(
        self,
        max_per_second: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._interval_s = 1 / max_per_second
        self._clock = clock
        self._sleep = sleep
        self._lock = Lock()
        self._next_start = 0.0
        self.waited_s = 0.0

    def wait(self) -> None:
        """Wait until the next request may start."""
        with self._lock:
            now = self._clock()
            start = max(now, self._next_start)
            self._next_start = start + self._interval_s
            self.waited_s += start - now
        if start > now:
            self._sleep(start - now)

    def pause(self, seconds: float) -> None:
        """Let no request that has no turn yet start for so many seconds from now."""
        with self._lock:
            self._next_start = max(self._next_start, self._clock() + seconds)

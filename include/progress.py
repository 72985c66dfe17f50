"""How far a load is, as lines of text."""

import time
from collections.abc import Callable
from typing import Protocol

EVERY_S = 10.0
"""Seconds between two lines at least."""

Progress = Callable[[str, int, int | None], None]
"""Told what is being read, how much of it is done, and how much there is (None: not known)."""


class Requests(Protocol):
    """What counts the requests: the client."""

    @property
    def requests(self) -> int:
        """Requests made so far."""


class Lines:
    """Writes a line now and then.

    Args:
        write: Writes one.
        every_s: Seconds between two of them at least.
    """

    def __init__(self, write: Callable[[str], object], every_s: float = EVERY_S) -> None:
        self._write = write
        self._every_s = every_s

    def watch(self, client: Requests) -> Progress:
        """Return what a load is to tell how far it is."""
        next_at = 0.0

        def tell(what: str, done: int, total: int | None) -> None:
            nonlocal next_at
            if (now := time.monotonic()) < next_at:
                return
            next_at = now + self._every_s
            self._write(f"read {amount(done, total)} {what}, {client.requests:,} requests so far")

        return tell


def amount(done: int, total: int | None) -> str:
    """Return how much of something is done."""
    return f"{done:,}" if total is None else f"{done:,} of {total:,}"

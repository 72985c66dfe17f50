"""Waiting with a limit."""

import time
from collections.abc import Callable

POLL_S = 0.5


class TookTooLong(Exception):
    """Something did not happen in time."""


def wait_for(
    happened: Callable[[], bool], check: Callable[[], None], timeout_s: float, failure: str
) -> None:
    """Wait until something has happened.

    Args:
        happened: Tells whether it has.
        check: Called in between; raises when waiting has become pointless.
        timeout_s: Seconds to wait at most.
        failure: The sentence to fail with.

    Raises:
        TookTooLong: It did not happen in time.
    """
    deadline = time.monotonic() + timeout_s
    while not happened():
        check()
        if time.monotonic() > deadline:
            raise TookTooLong(failure)
        time.sleep(POLL_S)

"""Looks at one thing for a limited time, and remembers for a while what was seen."""

import logging
import time
from collections.abc import Callable
from threading import Thread

from sqlalchemy.exc import OperationalError

from include.connections.database import InvalidRegistryUrl
from include.connections.vault import InvalidKey
from include.health.model import Finding, Status
from include.settings import DataDirUnusable, InvalidSettings

log = logging.getLogger(__name__)

IN_SENTENCES = (
    DataDirUnusable,
    InvalidKey,
    InvalidRegistryUrl,
    InvalidSettings,
)
"""Failures that say in our own words what to do."""


class Probe:
    """Looks at one thing, in a thread of its own: what hangs must not hang whoever asks.

    Args:
        look: Returns what is seen.
        limit_s: Seconds that it may take.
        keep_s: Seconds for which what was seen is good.
        late: How it is if it takes longer.
    """

    def __init__(
        self,
        look: Callable[[], Finding],
        *,
        limit_s: float,
        keep_s: float,
        late: Status = Status.UNHEALTHY,
    ) -> None:
        self._look = look
        self._limit_s = limit_s
        self._keep_s = keep_s
        self._late = late
        self._seen: Finding | None = None
        self._good_until = 0.0
        self._thread: Thread | None = None
        self._began = 0.0

    def begin(self) -> None:
        """Begin to look, unless somebody looks already or has looked just now."""
        if time.monotonic() < self._good_until or (self._thread and self._thread.is_alive()):
            return
        self._seen, self._began = None, time.monotonic()
        self._thread = Thread(target=self._work, daemon=True, name="health")
        self._thread.start()

    def finding(self) -> Finding:
        """Return what is seen; that it takes too long, if it does."""
        if self._thread is not None:
            self._thread.join(max(0.0, self._began + self._limit_s - time.monotonic()))
        if self._seen is not None:
            return self._seen
        return Finding(
            self._late,
            f"There was no answer within {self._limit_s:g} seconds.",
            {"waited_seconds": round(time.monotonic() - self._began, 1)},
        )

    def _work(self) -> None:
        try:
            self._seen = self._look()
        except IN_SENTENCES as failure:
            self._seen = Finding(Status.UNHEALTHY, str(failure))
        except OperationalError:
            # Its text may hold addresses.
            self._seen = Finding(
                Status.UNHEALTHY,
                "The registry's database cannot be used now. Check that it runs, and "
                "CORVANA_REGISTRY_URL.",
            )
        except Exception as failure:  # noqa: BLE001 - health is told of, whatever happens
            kind = type(failure).__name__
            log.warning("a check of health failed unexpectedly: %s", kind)
            self._seen = Finding(Status.UNHEALTHY, f"The check itself failed ({kind}).")
        self._good_until = time.monotonic() + self._keep_s

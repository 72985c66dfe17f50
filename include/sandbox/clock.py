"""The sandbox's clock: it stands still until it is told to move."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime


class ClockError(ValueError):
    """A move the clock refuses; the message is a sentence for the person who asked."""


class Clock:
    """A frozen clock between a start and a horizon.

    Args:
        start: Where it stands at first; aware UTC.
        horizon: It cannot pass this.
        on_advance: Called after every move, to keep the position.
    """

    def __init__(
        self,
        start: datetime,
        horizon: datetime,
        on_advance: Callable[[datetime], None] | None = None,
    ) -> None:
        self.start = start
        self.horizon = horizon
        self._now = start
        self._on_advance = on_advance

    @property
    def now(self) -> datetime:
        """The present; aware UTC."""
        return self._now

    def advance(self, seconds: float) -> datetime:
        """Move forward and return the new present.

        Raises:
            ClockError: `seconds` is negative, or the horizon lies before the new present.
        """
        if seconds < 0:
            raise ClockError("The clock never runs backwards: advance_seconds must be 0 or more.")
        if seconds > (self.horizon - self._now).total_seconds():
            raise ClockError(f"The clock cannot pass its horizon, {self.horizon.isoformat()}.")
        self._now += timedelta(seconds=seconds)
        if self._on_advance is not None:
            self._on_advance(self._now)
        return self._now

"""Kaplan–Meier: how long something takes when some of it has not happened yet.

Defined as in the mart `resolution_time_distribution`, and computed apart from it, because the marts
have curves of months only. What never happened counts as long as it was watched.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Z = 1.959963984540054
"""Of a normal distribution, for intervals of 95 %."""

TOLERANCE = 1e-9
"""Undoes the rounding of products such as 3/4 × 2/3."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Curve:
    """The share for which it has not happened yet, after each time at which it happened to some.

    Attributes:
        hours: Those times, ascending.
        survival: The share after each.
        low: Lower bound of its 95 % interval; nan where there is none.
        high: Upper bound.
        count: Subjects.
        events: Those to which it happened.
    """

    hours: Numbers
    survival: Numbers
    low: Numbers
    high: Numbers
    count: int
    events: int

    @property
    def median(self) -> float | None:
        """Hours after which it has happened to half; None if the curve never gets there."""
        return self._first(self.survival)

    @property
    def median_low(self) -> float | None:
        """Lower end of the median's 95 % interval (Brookmeyer–Crowley)."""
        return self._first(self.low)

    @property
    def median_high(self) -> float | None:
        """Upper end of it; None where the curve does not tell."""
        return self._first(self.high)

    def at(self, hours: Numbers) -> tuple[Numbers, Numbers, Numbers]:
        """Return the share and its bounds after some times; 1 before the first event."""
        places = np.searchsorted(self.hours, hours, side="right")
        return tuple(  # type: ignore[return-value] # three in, three out
            np.concatenate(([1.0], values))[places]
            for values in (self.survival, self.low, self.high)
        )

    def _first(self, shares: Numbers) -> float | None:
        reached = np.flatnonzero(shares <= 0.5 + TOLERANCE)
        return float(self.hours[reached[0]]) if reached.size else None


def curve(hours: Numbers, happened: NDArray[np.bool_]) -> Curve:
    """Return the Kaplan–Meier curve of some subjects.

    Args:
        hours: For each, when it happened or how long it was watched.
        happened: Whether it happened.
    """
    times, events = np.unique(hours[happened], return_counts=True)
    at_risk = (hours.size - np.searchsorted(np.sort(hours), times, side="left")).astype(float)
    survival = np.cumprod(1.0 - events / at_risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = np.where(events < at_risk, events / (at_risk * (at_risk - events)), 0.0)
        spread = np.exp(Z * np.sqrt(np.cumsum(steps)) / -np.log(survival))
        low = np.where(survival > 0, np.power(survival, spread), np.nan)
        high = np.where(survival > 0, np.power(survival, 1 / spread), np.nan)
    return Curve(times, survival, low, high, int(hours.size), int(events.sum()))

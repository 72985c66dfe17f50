"""Counts that arrive late: what of the true numbers is known by now.

Sentry's pipeline is asynchronous, so recent counts grow after the fact. How late each one is
depends on nothing but itself: the same question at the same time has the same answer, and what has
been counted once stays counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray

OUTCOME_DELAY_H = 48.0
FIRST_SHARE = 0.4
"""Share of an hour's outcomes that is counted when it begins; the rest follows evenly."""
EVENT_DELAY_S = 6 * 3600


def counted(hours: NDArray[np.int64], start: datetime, now: datetime) -> NDArray[np.int64]:
    """Return what is known of counts by hour, the first of which begins at `start`."""
    age_h = (now - start).total_seconds() / 3600 - np.arange(len(hours))
    share = FIRST_SHARE + (1 - FIRST_SHARE) * np.clip(age_h / OUTCOME_DELAY_H, 0, 1)
    known: NDArray[np.int64] = np.floor(hours * share).astype(np.int64)
    return known


def arrived(
    times: NDArray[np.int64], issues: NDArray[np.int32], now: datetime
) -> NDArray[np.bool_]:
    """Tell which batches of events (epoch seconds, position of the issue) have arrived."""
    scattered = (times * 2_654_435_761 + issues.astype(np.int64) * 40_503) % 4_294_967_296
    known: NDArray[np.bool_] = times + scattered % EVENT_DELAY_S <= now.timestamp()
    return known

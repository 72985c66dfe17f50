"""When an issue's events would arrive if nobody fixed it, and how many at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from include.sandbox.pacing import DAY_S, HOUR_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from include.sandbox.dice import Dice

SHAPES = (("burst", 0.40), ("sporadic", 0.44), ("steady", 0.14), ("storm", 0.02))
REVIVAL_DAYS = 55.0
"""Mean time after which a quiet fault is hit again by another customer."""
WEEKEND_DROP = 0.45


def arrivals(
    first: int, end: float, anchor: int | None, dice: Dice
) -> tuple[str, NDArray[np.int64]]:
    """Return the shape and the times of batches, strictly increasing, from `first` to `end`.

    Args:
        first: Epoch seconds of the first event; always included.
        end: No event at or after it.
        anchor: A time that must have an event, in seconds; a second burst starts there.
        dice: The issue's chance.
    """
    shape = dice.weighted(SHAPES)
    times = [_shaped(shape, first, end, dice)]
    revival = first + dice.exponential(REVIVAL_DAYS) * DAY_S
    while revival < end:
        times.append(_shaped("burst", int(revival), end, dice))
        revival += dice.exponential(REVIVAL_DAYS) * DAY_S
    if anchor is not None:
        times.append(np.array([anchor], dtype=np.int64))
        times.append(_shaped("burst", anchor, end, dice))
    every = np.unique(np.concatenate(times))
    return shape, every[(every >= first) & (every < end)]


def batch_counts(shape: str, noise: float, size: int, dice: Dice) -> NDArray[np.int64]:
    """Return the events of each batch, at least 1; a storm's are tens of times larger."""
    median = 40.0 if shape == "storm" else 3.4
    counts = dice.rng.lognormal(np.log(median * noise), 1.0, size)
    return np.maximum(1, np.rint(counts)).astype(np.int64)


def _shaped(shape: str, first: int, end: float, dice: Dice) -> NDArray[np.int64]:
    rng = dice.rng
    if shape == "burst":
        offsets = rng.exponential(dice.between(0.2, 2.5) * DAY_S, dice.integer(1, 10))
        return np.append(first + offsets.astype(np.int64), first)
    if shape == "sporadic":
        until = min(end, first + dice.exponential(150) * DAY_S)
        gap_s = dice.between(2.5, 14) * DAY_S
        gaps = rng.exponential(gap_s, max(1, int((until - first) / gap_s * 1.5) + 1))
        return _by_day(first, first + np.cumsum(gaps), until, dice)
    lifetime_days, per_day = (
        (dice.exponential(90), 1.2) if shape == "steady" else (dice.between(3, 25), 5.0)
    )
    until = min(end, first + lifetime_days * DAY_S)
    size = max(1, int((until - first) / DAY_S * per_day))
    return _by_day(first, first + rng.random(size) * (until - first), until, dice)


def _by_day(
    first: int, moments: NDArray[np.float64], until: float, dice: Dice
) -> NDArray[np.int64]:
    """Move each moment to the hours people use software, and thin out the weekends."""
    days = np.floor_divide(moments, DAY_S)
    hours = np.clip(dice.rng.normal(14.5, 4.0, len(days)), 0.0, 23.99)
    is_weekend = (days.astype(np.int64) + 3) % 7 >= 5
    kept = ~is_weekend | (dice.rng.random(len(days)) > WEEKEND_DROP)
    times = (days * DAY_S + hours * HOUR_S)[kept].astype(np.int64)
    times = times[(times > first) & (times < until)]
    return np.append(times, first)

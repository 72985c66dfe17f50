"""When people work. Times are epoch seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from include.sandbox.dice import Dice

HOUR_S = 3600.0
DAY_S = 86400.0
WORKDAY_START_H, WORKDAY_END_H = 7.0, 17.0
OFF_HOURS_SHARE = 0.04


def weekday(moment: float) -> int:
    """Return 0 for Monday to 6 for Sunday; the epoch began on a Thursday."""
    return (int(moment // DAY_S) + 3) % 7


def at_work(moment: float, dice: Dice) -> float:
    """Return the moment a person acts who means to act at `moment`: then, or the next workday.

    A few act at night or on a weekend.
    """
    if is_working_time(moment) or dice.chance(OFF_HOURS_SHARE):
        return moment
    day = moment // DAY_S
    if (moment % DAY_S) / HOUR_S >= WORKDAY_END_H:
        day += 1
    while weekday(day * DAY_S) >= 5:
        day += 1
    # Mornings are for what came in since: most of it is done in the first hours.
    return max(moment, day * DAY_S + WORKDAY_START_H * HOUR_S) + dice.exponential(1.5 * HOUR_S)


def is_working_time(moment: float) -> bool:
    """Return whether it is a weekday within working hours (UTC)."""
    hour = (moment % DAY_S) / HOUR_S
    return weekday(moment) < 5 and WORKDAY_START_H <= hour < WORKDAY_END_H

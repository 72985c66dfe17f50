"""Numbers as people read them."""

from datetime import datetime
from math import sqrt

from include.report.survival import Z

HOURS_OF_A_DAY = 24

NARROW = "\N{NARROW NO-BREAK SPACE}"
"""Between a number and its unit."""


def share(value: float | None) -> str:
    """Return a share in per cent, exact enough to compare."""
    if value is None:
        return "–"
    digits = 1 if 0 < value < 0.1 else 0
    return f"{100 * value:.{digits}f}{NARROW}%"


def duration(hours: float | None) -> str:
    """Return hours in the unit that fits."""
    if hours is None:
        return "not reached"
    if hours < 1:
        return f"{60 * hours:.0f}{NARROW}min"
    if hours < 2 * HOURS_OF_A_DAY:
        return f"{hours:.1f}{NARROW}h"
    return f"{hours / HOURS_OF_A_DAY:.1f}{NARROW}d"


def amount(value: float | None) -> str:
    """Return how many, with one decimal where that tells something."""
    if value is None:
        return "–"
    return f"{value:,.1f}" if value < 100 and value != int(value) else f"{value:,.0f}"


def day(moment: datetime) -> str:
    """Return the day of a moment."""
    return f"{moment:%Y-%m-%d}"


def wilson(successes: int, trials: int) -> tuple[float, float] | None:
    """Return the 95 % Wilson score interval of a share; None without trials.

    As in the marts; the bounds at nothing and at nothing but successes are exact.
    """
    if not trials:
        return None
    p = successes / trials
    middle = p + Z * Z / (2 * trials)
    spread = Z * sqrt(p * (1 - p) / trials + Z * Z / (4 * trials * trials))
    scale = 1 + Z * Z / trials
    low = 0.0 if successes == 0 else (middle - spread) / scale
    high = 1.0 if successes == trials else (middle + spread) / scale
    return low, high


def interval(bounds: tuple[float, float] | None) -> str:
    """Return an interval of a share."""
    return (
        "" if bounds is None else f"95{NARROW}% interval {share(bounds[0])} to {share(bounds[1])}"
    )

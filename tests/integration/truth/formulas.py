"""Textbook formulas, written plainly."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist, median

Z = 1.959963984540054
"""The 97.5th percentile of the normal distribution."""

SLACK = 1e-9
"""Against rounding where a survival curve is compared with a percentile."""


def quantile(values: Sequence[float], share: float) -> float | None:
    """Return a percentile by linear interpolation; None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def ratio(part: float | None, whole: float | None) -> float | None:
    """Return part / whole; None where the whole is zero or either is unknown."""
    return None if part is None or not whole else part / whole


def wilson(successes: int, trials: int) -> tuple[float, float] | None:
    """Return the 95 % Wilson score interval of a proportion; None without trials."""
    if trials == 0:
        return None
    share = successes / trials
    middle = share + Z**2 / (2 * trials)
    spread = Z * math.sqrt(share * (1 - share) / trials + Z**2 / (4 * trials**2))
    scale = 1 + Z**2 / trials
    return (middle - spread) / scale, (middle + spread) / scale


def theil_sen(values: Sequence[float]) -> float:
    """Return the median of the slopes between all pairs of equidistant values."""
    pairs = combinations(enumerate(values), 2)
    return median((later - earlier) / (j - i) for (i, earlier), (j, later) in pairs)


def mann_kendall_p(values: Sequence[float]) -> float:
    """Return the two-sided p of the trend test, corrected for ties and continuity."""
    size = len(values)
    score = sum((b > a) - (b < a) for a, b in combinations(values, 2))
    ties = sum(t * (t - 1) * (2 * t + 5) for t in Counter(values).values())
    variance = (size * (size - 1) * (2 * size + 5) - ties) / 18
    if score == 0:
        return 1.0
    z = (score - math.copysign(1, score)) / math.sqrt(variance)
    return 2 * (1 - NormalDist().cdf(abs(z)))


def mann_whitney(here: Sequence[int], elsewhere: Sequence[int]) -> tuple[float | None, float]:
    """Return z and the two-sided p of the rank test, corrected for ties; None if all are equal."""
    n, m = len(here), len(elsewhere)
    ties = sum(t**3 - t for t in Counter([*here, *elsewhere]).values())
    variance = n * m / 12 * (n + m + 1 - ties / ((n + m) * (n + m - 1)))
    if variance <= 0:
        return None, 1.0
    z = (_wins(here, elsewhere) - n * m / 2) / math.sqrt(variance)
    return z, math.erfc(abs(z) / math.sqrt(2))


def _wins(here: Sequence[int], elsewhere: Sequence[int]) -> float:
    """Pairs in which the first is greater, equal ones half."""
    return sum((a > b) + 0.5 * (a == b) for a in here for b in elsewhere)


def superiority(here: Sequence[int], elsewhere: Sequence[int]) -> tuple[float, float, float]:
    """Return the share of pairs in which the first is greater, and Hanley and McNeil's interval."""
    n, m = len(here), len(elsewhere)
    area = _wins(here, elsewhere) / (n * m)
    both, one = area / (2 - area) - area**2, 2 * area**2 / (1 + area) - area**2
    spread = Z * math.sqrt((area * (1 - area) + (n - 1) * both + (m - 1) * one) / (n * m))
    return area, max(0.0, area - spread), min(1.0, area + spread)


def hodges_lehmann(recent: Sequence[int], earlier: Sequence[int]) -> tuple[float, float, float]:
    """Return the median ratio of a recent to an earlier count, with its distribution-free interval.

    One is added to each count.
    """
    ratios = sorted((a + 1) / (b + 1) for a in recent for b in earlier)
    width = len(recent)
    rank = math.floor(width**2 / 2 - Z * math.sqrt(width**2 * (2 * width + 1) / 12))
    rank = max(1, rank)
    return median(ratios), ratios[rank - 1], ratios[-rank]


@dataclass(frozen=True)
class Survival:
    """Kaplan-Meier percentiles of a duration, with the interval of the median."""

    p25: float | None
    median: float | None
    median_low: float | None
    median_high: float | None
    p75: float | None
    p90: float | None


@dataclass(frozen=True)
class _Point:
    """The curve right after a time of an event; no bounds where it is zero."""

    time: float
    survival: float
    low: float | None
    high: float | None


def survival(subjects: Sequence[tuple[float, bool]]) -> Survival:
    """Return percentiles from durations, each with whether it ended by the event."""
    curve = _curve(subjects)
    return Survival(
        p25=_first([(p.time, p.survival) for p in curve], 0.75 + SLACK),
        median=_first([(p.time, p.survival) for p in curve], 0.5 + SLACK),
        median_low=_first([(p.time, p.low) for p in curve], 0.5),
        median_high=_first([(p.time, p.high) for p in curve], 0.5),
        p75=_first([(p.time, p.survival) for p in curve], 0.25 + SLACK),
        p90=_first([(p.time, p.survival) for p in curve], 0.1 + SLACK),
    )


def _first(points: Sequence[tuple[float, float | None]], level: float) -> float | None:
    return next((time for time, value in points if value is not None and value <= level), None)


def _curve(subjects: Sequence[tuple[float, bool]]) -> list[_Point]:
    curve, remaining, greenwood = [], 1.0, 0.0
    for time in sorted({duration for duration, is_event in subjects if is_event}):
        deaths = sum(is_event and duration == time for duration, is_event in subjects)
        at_risk = sum(duration >= time for duration, _ in subjects)
        remaining *= 1 - deaths / at_risk
        if deaths == at_risk:
            curve.append(_Point(time, 0.0, None, None))
            continue
        greenwood += deaths / (at_risk * (at_risk - deaths))
        width = Z * math.sqrt(greenwood) / -math.log(remaining)
        low, high = remaining ** math.exp(width), remaining ** math.exp(-width)
        curve.append(_Point(time, remaining, low, high))
    return curve

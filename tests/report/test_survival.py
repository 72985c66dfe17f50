"""Kaplan–Meier curves, against scipy's and by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import CensoredData, binomtest, ecdf

from include.report.numbers import wilson
from include.report.survival import curve

subjects = st.lists(
    st.tuples(st.integers(1, 40).map(float), st.booleans()), min_size=1, max_size=80
)


@given(subjects)
def test_curves_and_intervals_are_scipys(found):
    hours = np.array([at for at, _ in found])
    happened = np.array([one for _, one in found])
    ours = curve(hours, happened)
    if not happened.any():
        assert ours.hours.size == 0
        return
    theirs = ecdf(CensoredData(uncensored=hours[happened], right=hours[~happened])).sf
    at = np.searchsorted(theirs.quantiles, ours.hours)
    assert ours.survival == pytest.approx(theirs.probabilities[at], abs=1e-12)
    with np.errstate(all="ignore"):
        bounds = theirs.confidence_interval(method="log-log")
    inside = ours.survival > 0
    assert ours.low[inside] == pytest.approx(bounds.low.probabilities[at][inside], abs=1e-9)
    assert ours.high[inside] == pytest.approx(bounds.high.probabilities[at][inside], abs=1e-9)


def test_median_is_where_half_are_left():
    # Of four, one each at 1 and 2; then one is censored; the last at 4: 3/4, 1/2, then 0.
    found = curve(np.array([1.0, 2.0, 3.0, 4.0]), np.array([True, True, False, True]))
    assert found.survival.tolist() == pytest.approx([0.75, 0.5, 0.0])
    assert found.median == 2.0
    assert (found.count, found.events) == (4, 3)


def test_without_enough_events_there_is_no_median():
    found = curve(np.array([1.0, 5.0, 5.0]), np.array([True, False, False]))
    assert found.median is None
    assert [float(one) for one in found.at(np.array([0.5, 1.0, 9.0]))[0]] == pytest.approx(
        [1.0, 2 / 3, 2 / 3]
    )


def test_of_nothing_there_is_nothing():
    found = curve(np.empty(0), np.empty(0, dtype=bool))
    assert (found.count, found.median, found.median_low) == (0, None, None)


@pytest.mark.parametrize(("k", "n"), [(0, 5), (5, 5), (3, 17), (40, 99)])
def test_intervals_of_shares_are_scipys(k, n):
    theirs = binomtest(k, n).proportion_ci(method="wilson")
    assert wilson(k, n) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_an_interval_without_trials_is_none():
    assert wilson(0, 0) is None

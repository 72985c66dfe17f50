"""The textbook formulas that the marts are checked against agree with SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tests.integration.truth import formulas

SEEDS = range(8)
EXACT = {"rel": 1e-9, "abs": 1e-12}


@pytest.mark.filterwarnings("ignore:The confidence interval is undefined")
@pytest.mark.parametrize("seed", SEEDS)
def test_survival_is_the_kaplan_meier_estimate(seed: int) -> None:
    dice = np.random.default_rng(seed)
    times = np.round(dice.exponential(10, 60), seed % 3)  # rounded: ties
    is_event = dice.random(60) < 0.6
    curve = stats.ecdf(stats.CensoredData.right_censored(times, ~is_event)).sf
    low = curve.confidence_interval(method="log-log").low
    at = {
        float(t): (float(s), float(b))
        for t, s, b in zip(curve.quantiles, curve.probabilities, low.probabilities, strict=True)
    }
    found = formulas.survival([(float(t), bool(e)) for t, e in zip(times, is_event, strict=True)])
    events = {float(t) for t in times[is_event]}
    for share, value in ((0.25, found.p25), (0.5, found.median), (0.75, found.p75)):
        reached = [t for t in sorted(events) if at[t][0] <= 1 - share + 1e-9]
        assert value == (reached[0] if reached else None)
    reached = [t for t in sorted(events) if at[t][0] > 1e-12 and at[t][1] <= 0.5]
    assert found.median_low == (reached[0] if reached else None)


@pytest.mark.parametrize(("successes", "trials"), [(0, 7), (1, 2), (12, 34), (50, 50), (3, 1000)])
def test_wilson_is_the_score_interval(successes: int, trials: int) -> None:
    expected = stats.binomtest(successes, trials).proportion_ci(method="wilson")
    assert formulas.wilson(successes, trials) == pytest.approx(tuple(expected), **EXACT)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_rank_test_is_mann_whitneys(seed: int) -> None:
    dice = np.random.default_rng(seed)
    here, elsewhere = dice.poisson(3, 9).tolist(), dice.poisson(2, 25).tolist()
    test = stats.mannwhitneyu(here, elsewhere, use_continuity=False, method="asymptotic")
    _, p_value = formulas.mann_whitney(here, elsewhere)
    assert p_value == pytest.approx(float(test.pvalue), **EXACT)
    area, low, high = formulas.superiority(here, elsewhere)
    assert area == pytest.approx(float(test.statistic) / (9 * 25), **EXACT)
    assert low <= area <= high


@pytest.mark.parametrize("seed", SEEDS)
def test_the_trend_is_theil_and_sens(seed: int) -> None:
    values = np.random.default_rng(seed).poisson(20, 28).tolist()
    assert formulas.theil_sen(values) == pytest.approx(float(stats.theilslopes(values)[0]), **EXACT)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_interval_of_the_growth_is_what_the_rank_test_does_not_reject(seed: int) -> None:
    dice = np.random.default_rng(seed)
    recent, earlier = dice.poisson(60, 28).tolist(), dice.poisson(30, 28).tolist()
    value, low, high = formulas.hodges_lehmann(recent, earlier)
    assert low <= value <= high

    def p_of(ratio: float) -> float:
        scaled = [(one + 1) / ratio for one in recent]
        return float(
            stats.mannwhitneyu(
                scaled, [one + 1 for one in earlier], use_continuity=False, method="asymptotic"
            ).pvalue
        )

    assert p_of(low * 1.001) >= 0.04
    assert p_of(low * 0.97) < 0.06
    assert p_of(high * 1.03) < 0.06

"""Every row and column of every mart equals the independent computation, for several organizations.

`tests/integration/test_marts_truth.py` does the same through the whole pipeline, for one of them.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from include.sandbox.generate import DEFAULT_NOW, generate
from include.sandbox.patterns import PATTERNS
from tests.dbt.compiled import Models, compiled
from tests.integration.truth.comparison import differences
from tests.integration.truth.facts import facts
from tests.integration.truth.marts import MARTS
from tests.integration.truth.warehouse import Truth
from tests.patterns.organizations import SALT, raw_tables, runs

ORGANIZATIONS = {
    "ordinary": (3, 600, None, (0,)),
    "ordinary, later loads": (17, 400, None, (0, 5, 30, 31)),
    "a Monday at midnight": (29, 300, None, (-9 / 24,)),
    "as small as it gets": (5, 30, None, (0,)),
    "healthy": (41, 500, (), (0,)),
    "every problem": (11, 1500, tuple(PATTERNS), (0, 40)),
}
"""Seed, issues, planted patterns, and the days after the start at which loads run."""


@pytest.fixture(scope="module")
def models() -> Models:
    return compiled()


@pytest.mark.parametrize("name", ORGANIZATIONS)
def test_the_marts_equal_the_truth(models: Models, name: str) -> None:
    seed, issues, patterns, days = ORGANIZATIONS[name]
    truth = Truth(generate(seed, DEFAULT_NOW, issues=issues, patterns=patterns), SALT)
    for day in days:
        truth.load(DEFAULT_NOW + timedelta(days=day))
    known = facts(truth, (), [{n: getattr(run, n) for n in RUN} for run in runs(truth)])
    warehouse = models.build(raw_tables(truth))
    try:
        for mart, (key, make) in MARTS.items():
            found = differences(make(known), warehouse.rows(f"select * from marts.{mart}"), key)
            assert not found, "\n".join([mart, f"{len(found)} differences", *found[:20]])
        if name == "every problem":
            rows = warehouse.rows("select distinct rule_name from marts.process_findings")
            assert len(rows) >= 12
    finally:
        warehouse.close()


RUN = ("as_of", "is_complete", "is_backfilled")

"""Building again and again gives what building once gives: nothing is carried over.

Sums of fractions may differ in their last digits, as threads add them up in any order.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from include.sandbox.generate import DEFAULT_NOW, generate
from tests.dbt.compiled import Models, compiled
from tests.integration.truth.comparison import differences
from tests.integration.truth.ledger import Row
from tests.integration.truth.marts import MARTS
from tests.integration.truth.warehouse import Truth
from tests.patterns.organizations import SALT, raw_tables

DAYS = (0, 1, 8, 40)


@pytest.fixture(scope="module")
def models() -> Models:
    return compiled()


def test_no_model_remembers_an_earlier_build(models: Models) -> None:
    """Every statement makes its relation anew, and reads nothing of it."""
    for name, sql in models.named.items():
        assert "is_incremental" not in sql
        assert f'"{name}"' not in sql.split(" as ", maxsplit=1)[1]


def test_a_sequence_of_builds_equals_a_build_of_its_end(models: Models) -> None:
    truth = Truth(generate(23, DEFAULT_NOW, issues=300), SALT)
    warehouse = None
    for day in DAYS:
        truth.load(DEFAULT_NOW + timedelta(days=day))
        raw = raw_tables(truth)
        if warehouse is None:
            warehouse = models.build(raw)
        else:
            models.build_again(warehouse, raw)
    fresh = models.build(raw_tables(truth))
    assert set(models.marts) == set(MARTS)
    for mart, (key, _) in MARTS.items():
        again, once = (one.rows(f"select * from marts.{mart}") for one in (warehouse, fresh))
        assert not differences([_zoned(row) for row in once], again, key), mart


def _zoned(row: Row) -> Row:
    return {
        name: value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
        for name, value in row.items()
    }

"""Every planted process problem is found, and nothing is found where nothing is wrong."""

from __future__ import annotations

import pytest

from include.sandbox.generate import DEFAULT_NOW, generate
from include.sandbox.patterns import PATTERNS
from tests.dbt.compiled import Models, compiled
from tests.integration.truth.findings import rules
from tests.integration.truth.ledger import Row
from tests.integration.truth.warehouse import Truth
from tests.patterns.organizations import SALT, raw_tables

CLEAN = 20
ISSUES = 2000


@pytest.fixture(scope="module")
def models() -> Models:
    return compiled(["process_findings"])


def findings(models: Models, seed: int, *patterns: str) -> list[Row]:
    """Return what is found in an organization with planted patterns after its first load."""
    truth = Truth(generate(seed, DEFAULT_NOW, issues=ISSUES, patterns=patterns), SALT)
    truth.load(DEFAULT_NOW)
    warehouse = models.build(raw_tables(truth))
    try:
        return warehouse.rows("select * from marts.process_findings")
    finally:
        warehouse.close()


def test_every_rule_can_be_planted() -> None:
    assert set(PATTERNS) == set(rules())
    assert len(PATTERNS) >= 12


@pytest.mark.parametrize("seed", [200, 201])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_planted_pattern_is_found(models: Models, pattern: str, seed: int) -> None:
    found = [row for row in findings(models, seed, pattern) if row["rule_name"] == pattern]
    (row,) = [row for row in found if row["project_slug"] == PATTERNS[pattern].slug]
    assert row["is_active"]
    assert row["first_detected_at"] <= row["last_detected_at"] == row["as_of"]
    assert row["interval_low"] > row["threshold"]
    assert row["evidence_keys"]
    assert "{" not in row["finding"]


@pytest.fixture(scope="module")
def found_in_clean(models: Models) -> dict[int, list[str]]:
    return {
        seed: [f"{row['project_slug']}: {row['finding']}" for row in findings(models, seed)]
        for seed in range(100, 100 + CLEAN)
    }


def test_at_most_one_of_twenty_clean_organizations_has_a_finding(
    found_in_clean: dict[int, list[str]],
) -> None:
    wrong = {seed: found for seed, found in found_in_clean.items() if found}
    assert sum(len(found) for found in wrong.values()) <= 1, wrong

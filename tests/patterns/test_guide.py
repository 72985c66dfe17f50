"""Every statement of the analyst's guide runs and answers its question."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.sandbox.generate import DEFAULT_NOW, generate
from tests.dbt.compiled import Warehouse, compiled
from tests.integration.truth.warehouse import Truth
from tests.patterns.organizations import SALT, raw_tables

GUIDE = (Path(__file__).parents[2] / "docs" / "analysts-guide.md").read_text(encoding="utf-8")
STATEMENTS = re.findall(r"^```sql\n(.*?)^```", GUIDE, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def published() -> Iterator[Warehouse]:
    """Views as readers have them, over the marts of a demo organization."""
    truth = Truth(generate(7, DEFAULT_NOW, issues=2000), SALT)
    truth.load(DEFAULT_NOW)
    warehouse = compiled().build(raw_tables(truth))
    database = warehouse.database
    for row in warehouse.rows(
        "select table_name from information_schema.tables where table_schema = 'marts'"
    ):
        mart = row["table_name"]
        database.execute(f"create view {mart} as select *, 'c1' as connection_id from marts.{mart}")
    yield warehouse
    warehouse.close()


def test_there_are_twenty_questions() -> None:
    assert re.findall(r"^(\d+)\. ", GUIDE, flags=re.MULTILINE) == [str(n) for n in range(1, 21)]
    assert len(STATEMENTS) == 21


@pytest.mark.parametrize("place", range(len(STATEMENTS)))
def test_a_statement_of_the_guide_has_an_answer(published: Warehouse, place: int) -> None:
    assert published.rows(STATEMENTS[place])

"""The page for reviewers says what the code does, and dbt's sources say the same."""

import re
from pathlib import Path

import pytest
import yaml

from dlt_sources.sentry.allowlist import ACTIVITY_DATA
from dlt_sources.sentry.data_collected import document
from dlt_sources.sentry.readings import NOT_ASKED, READINGS
from dlt_sources.sentry.tables import TABLES

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "data-collected.md"
SOURCES = ROOT / "dbt_project" / "models" / "staging" / "_sentry__sources.yml"


def test_the_page_is_in_step_with_the_code():
    assert PAGE.read_text() == document(), "The code collects other data. Run: make docs-data"


def test_dbts_sources_are_in_step_with_the_code():
    (source,) = yaml.safe_load(SOURCES.read_text())["sources"]
    described = {
        table["name"]: {column["name"]: column["description"] for column in table["columns"]}
        for table in source["tables"]
    }
    stored = {name: table.descriptions() for name, table in TABLES.items()}
    assert described == stored, f"Mend {SOURCES.name} by hand: tables and columns of tables.py"


def test_the_page_names_every_request_table_column_and_word():
    text = document()
    for reading in READINGS:
        assert f"### `GET /api/0/{reading.endpoint.path}`" in text
    for name, table in TABLES.items():
        section = text.split(f"### `{name}`")[1].split("\n#")[0]
        columns = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
        assert columns == list(table.descriptions())
        for rule in table.rules().values():
            assert rule.meaning in section


@pytest.mark.parametrize("type_", ACTIVITY_DATA)
def test_the_page_says_what_is_read_of_an_activitys_data(type_):
    assert f"| `{type_}` | `" in document()


def test_the_page_says_what_is_not_asked_for():
    assert all(f"`…/{part}/`" in document() for part in NOT_ASKED)

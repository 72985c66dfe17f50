"""The project as a whole: it builds on nothing, and its sources are the tables a load writes."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from dlt_sources.sentry.tables import TABLES
from tests.dbt.warehouses import PROJECT, Built

MARTS = {
    "assignment_load",
    "assignment_pattern",
    "data_freshness",
    "dim_issue",
    "dim_project",
    "dim_release",
    "error_frequency",
    "process_findings",
    "project_error_rate",
    "release_stability",
    "release_stability_summary",
    "resolution_time",
    "resolution_time_distribution",
}


def documents(folder: str) -> dict[str, dict[str, Any]]:
    """Models of a layer by name, as their YAML files describe them."""
    files = (PROJECT / "models" / folder).glob("*.yml")
    loaded = (yaml.safe_load(file.read_text()) for file in files)
    return {model["name"]: model for one in loaded for model in one.get("models", ())}


@pytest.fixture(scope="module")
def empty(build: Callable[..., Built]) -> Built:
    return build({})


def test_an_empty_organization_builds_and_passes_every_unit_test(empty: Built) -> None:
    assert "ERROR=0" in empty.output
    for mart in MARTS:
        assert empty.rows(f"select * from marts.{mart}") == []


def test_the_schemas_are_staging_and_marts(empty: Built) -> None:
    tables = empty.rows(
        "select table_schema as place, table_name as name from information_schema.tables"
        " where table_schema != 'raw'"
    )
    assert {table["place"] for table in tables} == {"staging", "marts"}
    assert {table["name"] for table in tables if table["place"] == "marts"} == MARTS


def test_times_are_utc_without_a_zone(empty: Built) -> None:
    zoned = empty.rows(
        "select table_name, column_name from information_schema.columns"
        " where table_schema in ('staging', 'marts') and data_type like '%TIME ZONE%'"
    )
    assert zoned == []


def test_the_sources_are_in_step_with_the_loaded_tables() -> None:
    path = PROJECT / "models" / "staging" / "_sentry__sources.yml"
    (source,) = yaml.safe_load(path.read_text())["sources"]
    described = {
        table["name"]: {column["name"]: column["description"] for column in table["columns"]}
        for table in source["tables"]
    }
    assert described == {name: table.descriptions() for name, table in TABLES.items()}


def test_every_loaded_table_and_column_has_its_staging_column() -> None:
    staged = documents("staging")
    assert set(staged) == {f"stg_sentry__{name}" for name in TABLES}
    for name, table in TABLES.items():
        columns = staged[f"stg_sentry__{name}"]["columns"]
        assert [column["description"] for column in columns] == list(table.descriptions().values())


@pytest.mark.parametrize("layer", ["staging", "intermediate", "marts"])
def test_every_model_has_a_yaml_file_of_its_own_with_every_column(layer: str, empty: Built) -> None:
    folder = PROJECT / "models" / layer
    models = {file.stem for file in folder.glob("*.sql")}
    assert models == {file.stem for file in folder.glob("[!_]*.yml")}
    described = documents(layer)
    assert set(described) == models
    columns = empty.rows(
        "select table_name as model, column_name as name from information_schema.columns"
    )
    for name, model in described.items():
        assert model["description"]
        assert all(column["description"] for column in model["columns"])
        assert [column["name"] for column in model["columns"]] == [
            column["name"] for column in columns if column["model"] == name
        ]


def test_every_mart_is_a_contract_that_names_its_types() -> None:
    marts = documents("marts")
    assert set(marts) == MARTS
    settings = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())
    assert settings["models"]["corvana_sentry"]["marts"]["+contract"] == {"enforced": True}
    for model in marts.values():
        assert all(column["data_type"] for column in model["columns"])
        assert "Freshness:" in model["description"]


def test_a_model_answers_one_question_in_at_most_80_lines_of_100_columns() -> None:
    for file in (PROJECT / "models").rglob("*.sql"):
        lines = file.read_text().splitlines()
        assert len(lines) <= 80, file.name
        assert max(map(len, lines)) <= 100, file.name
        assert lines[0].startswith("with ")
        assert lines[-1].startswith("select * from ")


def test_no_model_looks_at_the_wall_clock() -> None:
    forbidden = ("now()", "current_date", "current_timestamp", "today()", "get_current_time")
    for file in (PROJECT / "models").rglob("*.sql"):
        text = file.read_text().lower()
        assert not any(word in text for word in forbidden), file.name

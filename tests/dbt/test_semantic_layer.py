"""Metrics can be computed: every expression of the semantic models runs over its mart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from dlt_sources.sentry.tables import TABLES
from tests.dbt.compiled import Warehouse, compiled
from tests.dbt.small_organization import ROWS
from tests.dbt.warehouses import PROJECT

FOLDER = PROJECT / "models" / "marts"
SEMANTIC_MODELS: list[dict[str, Any]] = yaml.safe_load(
    (FOLDER / "_semantic_models.yml").read_text()
)["semantic_models"]
METRICS: list[dict[str, Any]] = yaml.safe_load((FOLDER / "_metrics.yml").read_text())["metrics"]
MEASURES = {
    one["name"]: (model, one) for model in SEMANTIC_MODELS for one in model.get("measures", ())
}
AGGREGATES = {"sum": "sum({})", "count": "count({})", "average": "avg({})"}


@pytest.fixture(scope="module")
def marts() -> Iterator[Warehouse]:
    raw = {name: table.to_arrow(ROWS.get(name, ())) for name, table in TABLES.items()}
    warehouse = compiled().build(raw)
    yield warehouse
    warehouse.close()


def mart(model: dict[str, Any]) -> str:
    return "marts." + model["model"].removeprefix("ref('").removesuffix("')")


def aggregate(name: str) -> str:
    """Return the SQL of a measure."""
    model, measure = MEASURES[name]
    expression = measure.get("expr", name)
    if measure["agg"] == "percentile":
        share = measure["agg_params"]["percentile"]
        return f"(select quantile_cont({expression}, {share}) from {mart(model)})"
    return f"(select {AGGREGATES[measure['agg']].format(expression)} from {mart(model)})"


@pytest.mark.parametrize("model", SEMANTIC_MODELS, ids=lambda one: one["name"])
def test_entities_and_dimensions_are_columns(marts: Warehouse, model: dict[str, Any]) -> None:
    parts = [one.get("expr", one["name"]) for one in model["entities"] + model["dimensions"]]
    marts.rows(f"select {', '.join(parts)} from {mart(model)}")


@pytest.mark.parametrize("metric", METRICS, ids=lambda one: one["name"])
def test_a_metric_is_a_number(marts: Warehouse, metric: dict[str, Any]) -> None:
    parameters = metric["type_params"]
    if metric["type"] == "simple":
        sql = aggregate(parameters["measure"])
    else:
        by_name = {one["name"]: one["type_params"] for one in METRICS}
        parts = (by_name[parameters[side]]["measure"] for side in ("numerator", "denominator"))
        sql = " / ".join(aggregate(part) for part in parts)
    (row,) = marts.rows(f"select cast({sql} as double) as figure")
    assert row["figure"] is None or row["figure"] >= 0


def test_the_five_subjects_and_the_findings_have_metrics() -> None:
    assert {mart(model) for model in SEMANTIC_MODELS} >= {
        "marts.error_frequency",
        "marts.project_error_rate",
        "marts.release_stability",
        "marts.assignment_pattern",
        "marts.resolution_time",
        "marts.process_findings",
    }


def test_the_change_failure_rate_is_that_of_the_summary(marts: Warehouse) -> None:
    (row,) = marts.rows(
        f"select {aggregate('failed_releases')} / {aggregate('judged_releases')} as rate,"
        " (select change_failure_rate from marts.release_stability_summary where project_id = '1')"
        " as published"
    )
    assert row["rate"] == row["published"]

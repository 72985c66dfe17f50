"""The dashboard's files fit together, and say of marts what dbt says; no Superset is needed."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import yaml

from bi.superset.bundle import main, pack
from bi.superset.datasets import ASSETS, DATASETS, MARTS, as_yaml, dataset, marts, verbose
from include.warehouse.views import CONNECTION_ID
from tests.dbt.test_project import MARTS as MART_NAMES
from tests.dbt.test_project import documents

GUIDE = (Path(__file__).parents[2] / "docs" / "bi.md").read_text(encoding="utf-8")
DATABASE = "/srv/corvana/published/corvana.duckdb"


def read(folder: str) -> dict[str, dict[str, Any]]:
    files = sorted((ASSETS / folder).rglob("*.yaml"))
    return {file.stem: yaml.safe_load(file.read_text(encoding="utf-8")) for file in files}


DATASETS_READ, CHARTS = read("datasets"), read("charts")
(DASHBOARD,) = read("dashboards").values()
BY_UUID = {one["uuid"]: one for one in DATASETS_READ.values()}
PLACED = {
    place["meta"]["uuid"]: place["meta"]
    for place in DASHBOARD["position"].values()
    if isinstance(place, dict) and place["type"] == "CHART"
}


def test_every_mart_is_a_dataset_with_the_columns_that_dbt_describes() -> None:
    said = {
        name: {one["name"]: one["description"].strip() for one in model["columns"]}
        for name, model in documents("marts").items()
    }
    found = {
        name: {
            one["column_name"]: one["description"]
            for one in known["columns"]
            if not one.get("expression")
        }
        for name, known in DATASETS_READ.items()
    }
    assert set(said) == MART_NAMES
    assert found == {
        name: {**columns, "connection_id": CONNECTION_ID} for name, columns in said.items()
    }


@pytest.mark.parametrize("name", sorted(DATASETS_READ))
def test_a_dataset_is_what_its_generator_writes(name: str) -> None:
    file = DATASETS / f"{name}.yaml"
    assert file.read_text(encoding="utf-8") == as_yaml(
        dataset(name, marts()[name], DATASETS_READ[name])
    ), "Run `python -m bi.superset.datasets`."


def test_names_of_columns_are_words() -> None:
    assert verbose("km_median_hours") == "Kaplan–Meier median hours"
    assert verbose("assignee_hhi") == "Assignee HHI"
    assert verbose("as_of") == "As of (UTC)"


def test_metrics_that_dbt_defines_are_called_and_described_as_there() -> None:
    known = yaml.safe_load((MARTS / "_metrics.yml").read_text(encoding="utf-8"))["metrics"]
    defined = {one["name"]: one for one in known}
    shared = [
        (metric, defined[metric["metric_name"]])
        for one in DATASETS_READ.values()
        for metric in one["metrics"]
        if metric["metric_name"] in defined
    ]
    assert len(shared) >= 15
    for metric, definition in shared:
        assert metric["verbose_name"] == definition["label"]
        if metric["metric_name"] not in {"errors_per_hour", "open_episodes"}:
            assert metric["description"] == definition["description"]


@pytest.mark.parametrize("name", sorted(CHARTS))
def test_a_chart_asks_for_what_its_dataset_has(name: str) -> None:
    chart = CHARTS[name]
    known = BY_UUID[chart["dataset_uuid"]]
    columns = {one["column_name"] for one in known["columns"]}
    metrics = {one["metric_name"] for one in known["metrics"]}
    params = chart["params"]
    assert params["viz_type"] == chart["viz_type"]
    assert chart["description"]
    assert _named(params, "metric", "metrics") <= metrics
    assert _named(params, "x_axis", "groupby", "groupbyRows", "groupbyColumns") <= columns
    assert _named(params, "all_columns") <= columns
    assert {json.loads(one)[0] for one in params.get("order_by_cols", ())} <= columns
    assert {one["subject"] for one in params["adhoc_filters"]} <= columns


def _named(params: dict[str, Any], *controls: str) -> set[str]:
    values = [params.get(control) or [] for control in controls]
    return {one for value in values for one in ([value] if isinstance(value, str) else value)}


def test_medians_are_shown_of_single_rows_only() -> None:
    medians = [
        metric["expression"]
        for metric in DATASETS_READ["resolution_time_distribution"]["metrics"]
        if "median" in metric["metric_name"]
    ]
    assert len(medians) == 4
    assert all(one.startswith("case when count(*) = 1 then max(") for one in medians)


def test_every_chart_is_on_the_dashboard_once() -> None:
    assert set(PLACED) == {one["uuid"] for one in CHARTS.values()}
    names = Counter(one["slice_name"] for one in CHARTS.values())
    assert set(names.values()) == {1}
    assert {one["sliceName"] for one in PLACED.values()} == set(names)


def test_rows_of_the_dashboard_are_twelve_columns_wide() -> None:
    position = DASHBOARD["position"]
    for row in position["GRID_ID"]["children"]:
        placed = [position[one] for one in position[row]["children"]]
        assert sum(one["meta"]["width"] for one in placed) == 12
        assert {tuple(one["parents"]) for one in placed} == {("ROOT_ID", "GRID_ID", row)}


def test_filters_leave_out_charts_that_have_no_such_column() -> None:
    by_id = {one["chartId"]: uuid for uuid, one in PLACED.items()}
    charts = {one["uuid"]: one for one in CHARTS.values()}
    for choice, column in (("connection", "connection_id"), ("project", "project_slug")):
        narrowed = set(by_id.values()) - {
            by_id[one] for one in _filter(choice)["scope"]["excluded"]
        }
        for uuid in narrowed:
            columns = BY_UUID[charts[uuid]["dataset_uuid"]]["columns"]
            assert column in {one["column_name"] for one in columns}
    untimed = {by_id[one] for one in _filter("period")["scope"]["excluded"]}
    for uuid, chart in charts.items():
        operators = {one["operator"] for one in chart["params"]["adhoc_filters"]}
        assert ("TEMPORAL_RANGE" in operators) == (uuid not in untimed)


def test_one_connection_is_chosen_always() -> None:
    chosen = _filter("connection")
    assert chosen["requiredFirst"]
    assert chosen["controlValues"]["enableEmptyFilter"]
    assert not chosen["controlValues"]["multiSelect"]
    assert chosen["scope"]["excluded"] == []


def _filter(name: str) -> dict[str, Any]:
    found = DASHBOARD["metadata"]["native_filter_configuration"]
    return next(one for one in found if one["id"] == f"NATIVE_FILTER-{name}")


def test_ids_are_unique_and_no_path_of_a_machine_is_in_a_file() -> None:
    texts = [file.read_text(encoding="utf-8") for file in sorted(ASSETS.rglob("*.yaml"))]
    ids = [one for text in texts for one in re.findall(r"^uuid: (\S+)$", text, re.MULTILINE)]
    assert len(ids) == len(set(ids)) == len(texts) - 1
    assert [one for text in texts for one in re.findall('duckdb:///[^"\n]*', text)] == [
        "duckdb:///PATH-OF-corvana.duckdb"
    ]


def test_a_bundle_has_the_files_and_the_path(tmp_path: Path) -> None:
    pack(tmp_path / "one.zip", DATABASE)
    with ZipFile(tmp_path / "one.zip") as packed:
        read_back = {
            name.partition("/")[2]: yaml.safe_load(packed.read(name)) for name in packed.namelist()
        }
    assert set(read_back) == {one.relative_to(ASSETS).as_posix() for one in ASSETS.rglob("*.yaml")}
    assert read_back["databases/corvana.yaml"]["sqlalchemy_uri"] == f"duckdb:///{DATABASE}"
    assert read_back["metadata.yaml"]["type"] == "Dashboard"


def test_a_bundle_that_replaces_says_so(tmp_path: Path) -> None:
    main([DATABASE, str(tmp_path / "all.zip"), "--replace"])
    with ZipFile(tmp_path / "all.zip") as packed:
        metadata = yaml.safe_load(packed.read("corvana_development_quality/metadata.yaml"))
    assert metadata["type"] == "assets"


def test_the_same_files_make_the_same_bundle(tmp_path: Path) -> None:
    for name in ("one.zip", "two.zip"):
        pack(tmp_path / name, DATABASE)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_a_path_with_signs_of_yaml_stays_itself(tmp_path: Path) -> None:
    path = '/srv/the "new": marts/corvana.duckdb'
    pack(tmp_path / "one.zip", path)
    with ZipFile(tmp_path / "one.zip") as packed:
        text = packed.read("corvana_development_quality/databases/corvana.yaml")
    assert yaml.safe_load(text)["sqlalchemy_uri"] == f"duckdb:///{path}"


def test_a_relative_path_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["published/corvana.duckdb", str(tmp_path / "one.zip")])
    assert "published/corvana.duckdb is not an absolute path" in capsys.readouterr().err
    assert not (tmp_path / "one.zip").exists()


def test_the_documentation_names_every_chart_and_what_narrows_it() -> None:
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \| (yes|–) \| (yes|–) \|$", GUIDE, re.MULTILINE)
    by_id = {one["chartId"]: one["sliceName"] for one in PLACED.values()}
    fixed = {
        choice: {by_id[one] for one in _filter(choice)["scope"]["excluded"]}
        for choice in ("project", "period")
    }
    assert {name for name, _, _ in rows} == set(by_id.values())
    assert {name for name, project, _ in rows if project == "–"} == fixed["project"]
    assert {name for name, _, period in rows if period == "–"} == fixed["period"]

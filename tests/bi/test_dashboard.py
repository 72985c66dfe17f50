"""The dashboard in a real Superset: every chart shows what the published files say."""

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Event
from typing import Any

import duckdb
import pytest
import yaml
from playwright.sync_api import Browser

from bi.superset.bundle import pack
from bi.superset.datasets import ASSETS, DATASETS
from tests.bi.conftest import HEALTHY, ORDINARY, Published
from tests.bi.expected import ROWS, SERIES
from tests.bi.superset import Asked, Shown, Superset, show, sign_in

pytestmark = [pytest.mark.bi, pytest.mark.timeout(900)]

IN_ORDER = {
    "Findings: what points to a process problem",
    "Medians of the organization, with their interval",
    "Data freshness",
}
"""Tables whose order the expectation gives."""

NOT_BY_PROJECT = {
    "Data as of",
    "Data freshness",
    "Time to resolution by month of opening",
    "What became of the issues opened in a month",
    "Medians of the organization, with their interval",
}

CHARTS = sorted(
    yaml.safe_load(file.read_text(encoding="utf-8"))["slice_name"]
    for file in (ASSETS / "charts").glob("*.yaml")
)


def test_the_expectations_are_of_all_charts(names: dict[int, str]) -> None:
    assert sorted(names.values()) == CHARTS == sorted([*ROWS, *SERIES])


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_shows_what_the_files_say(
    dashboard: Shown, published: Published, name: str
) -> None:
    found = _shown(dashboard.asked[name], name)
    assert found
    assert found == _expected(published, ORDINARY, name)


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_is_drawn(dashboard: Shown, name: str) -> None:
    chart = dashboard.chart(name)
    assert chart.count() == 1
    assert chart.get_by_role("alert").count() == 0
    assert dashboard.asked[name].status == 200
    if chart.locator("canvas").count():
        assert chart.locator("canvas").first.evaluate(HAS_INK)
    elif chart.locator("table").count():
        assert chart.locator("tbody tr").count() >= 3
    else:
        assert any(sign.isdigit() for sign in chart.locator(".header-line").inner_text())


HAS_INK = """canvas => {
    const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    let drawn = 0;
    for (let at = 3; at < pixels.length; at += 4) drawn += pixels[at] > 0;
    return drawn > 500;
}"""
"""Whether something was drawn: more than a few pixels are not transparent."""


def test_nothing_went_wrong_on_the_page(dashboard: Shown) -> None:
    assert dashboard.complaints == []
    if folder := os.environ.get("CORVANA_SCREENSHOTS"):
        last = dashboard.chart("Data freshness").bounding_box()
        assert last is not None
        clip = {"x": 0, "y": 0, "width": 1500, "height": last["y"] + last["height"] + 32}
        dashboard.page.screenshot(path=Path(folder) / "superset-dashboard.png", clip=clip)


def test_the_filters_narrow_what_they_can(
    browser: Browser, superset: Superset, published: Published, names: dict[int, str]
) -> None:
    chosen = _address(HEALTHY, "shop-web", ("2026-09-07", "2026-10-05"))
    shown = show(sign_in(browser, superset), superset, names, chosen)
    for name in NOT_BY_PROJECT:
        found = _shown(shown.asked[name], name)
        assert found
        assert set(found) <= set(_expected(published, HEALTHY, name))
    rate = _shown(shown.asked["Change failure rate"], "Change failure rate")
    assert rate == _comparable(_rate_of(published, "shop-web"), "Change failure rate")
    errors = shown.asked["Errors per day"]
    assert errors.columns == ["error_date", "shop-web"]
    assert [_day(at) for at, _ in errors.rows] == _days(published, "2026-09-07", "2026-10-05")
    assert [row[1] for row in shown.asked["Findings: what points to a process problem"].rows] == [
        "shop-web"
    ]


def test_medians_of_several_connections_are_not_mixed(superset: Superset, dashboard: Shown) -> None:
    asked = json.loads(json.dumps(dashboard.asked["Time to resolution by month of opening"].query))
    for query in asked["queries"]:
        query["filters"] = [one for one in query["filters"] if one["col"] != "connection_id"]
    asked["form_data"].pop("extra_form_data", None)
    with superset.api() as api:
        answer = api.post("/api/v1/chart/data", json=asked)
    rows = answer.json()["result"][0]["data"]
    both = [row for row in rows if _day(row["cohort_month"]) == date(2026, 10, 1)]
    assert [(row["km_median_days"], row["naive_median_days"]) for row in both] == [(None, None)]


def test_the_datasets_are_the_published_views(published: Published) -> None:
    with duckdb.connect(str(published.views), read_only=True) as views:
        found = views.execute(
            "select table_name, column_name, data_type, comment from duckdb_columns()"
            " where not internal"
        ).fetchall()
    datasets = [yaml.safe_load(file.read_text("utf-8")) for file in DATASETS.glob("*.yaml")]
    described = {
        (one["table_name"], column["column_name"], column["type"], column["description"])
        for one in datasets
        for column in one["columns"]
        if not column.get("expression")
    }
    assert described == set(found)


def test_every_metric_and_calculated_column_has_a_value(published: Published) -> None:
    with duckdb.connect(str(published.views), read_only=True) as views:
        for file in sorted(DATASETS.glob("*.yaml")):
            dataset = yaml.safe_load(file.read_text(encoding="utf-8"))
            calculated = [one for one in dataset["columns"] if one.get("expression")]
            for one in [*dataset["metrics"], *calculated]:
                views.execute(f"select {one['expression']} from {dataset['table_name']}").fetchall()


def test_superset_may_not_write(superset: Superset) -> None:
    with superset.api() as api:
        found = api.get("/api/v1/database/?q=(columns:!(allow_dml,expose_in_sqllab,id))")
        (database,) = found.json()["result"]
        extra = api.get(f"/api/v1/database/{database['id']}/connection").json()["result"]["extra"]
    assert (database["allow_dml"], database["expose_in_sqllab"]) == (False, False)
    assert json.loads(extra)["engine_params"]["connect_args"]["read_only"] is True


def test_a_rule_for_rows_hides_other_connections(superset: Superset, dashboard: Shown) -> None:
    asked = dashboard.asked["Data freshness"].query
    with superset.api() as api:
        datasets = api.get("/api/v1/dataset/?q=(page_size:100)").json()["result"]
        rule = {
            "name": "One customer",
            "filter_type": "Base",
            "tables": [one["id"] for one in datasets],
            "roles": [],
            "clause": f"connection_id = '{HEALTHY}'",
        }
        made = api.post("/api/v1/rowlevelsecurity/", json=rule)
        assert made.is_success, made.text
        hidden = api.post("/api/v1/chart/data", json=asked).json()["result"][0]["data"]
        api.delete(f"/api/v1/rowlevelsecurity/{made.json()['id']}")
        seen = api.post("/api/v1/chart/data", json=asked).json()["result"][0]["data"]
    assert (len(hidden), len(seen)) == (0, 11)


def test_a_bundle_that_replaces_brings_charts_back(
    superset: Superset, published: Published, names: dict[int, str]
) -> None:
    bundle = superset.home / "again.zip"
    pack(bundle, str(published.views), replace=True)
    slice_id = next(id_ for id_, name in names.items() if name == "Data freshness")
    with superset.api() as api:
        changed = api.put(
            f"/api/v1/chart/{slice_id}", json={"slice_name": "Old", "description": ""}
        )
        assert changed.is_success
        files = {"bundle": (bundle.name, bundle.read_bytes(), "application/zip")}
        imported = api.post("/api/v1/assets/import/", files=files)
        assert imported.is_success, imported.text
        found = api.get(f"/api/v1/chart/{slice_id}").json()["result"]
    assert found["slice_name"] == "Data freshness"
    assert found["description"].startswith("One row per table")


def test_publishing_goes_on_while_superset_reads(
    superset: Superset, dashboard: Shown, published: Published
) -> None:
    connection, stop = published.connections[ORDINARY], Event()
    connection.advance(days=2)
    connection.load()
    connection.build()
    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(_read_on, superset, dashboard, stop) for _ in range(4)]
        try:
            for _ in range(3):
                connection.publish()
        finally:
            stop.set()
        asked = [status for reader in readers for status in reader.result()]
    assert len(asked) >= 40
    assert set(asked) == {200}
    for name in CHARTS:
        found = _shown(_again(superset, dashboard.asked[name]), name)
        assert found == _expected(published, ORDINARY, name)
        if name == "Data as of":
            assert found != _shown(dashboard.asked[name], name)


def test_superset_has_the_file_open_only_while_it_asks(
    superset: Superset, dashboard: Shown, published: Published
) -> None:
    _again(superset, dashboard.asked["Open issues"])
    assert not {file for file in superset.open_files() if published.folder in file.parents}


def _read_on(superset: Superset, dashboard: Shown, stop: Event) -> list[int]:
    """Ask for one chart after the other until told to stop; return how each was answered."""
    answered = []
    with superset.api() as api:
        while not stop.is_set() or len(answered) < 10:
            name = CHARTS[len(answered) % len(CHARTS)]
            answer = api.post("/api/v1/chart/data", json=dashboard.asked[name].query)
            answered.append(answer.status_code)
    return answered


def _again(superset: Superset, asked: Asked) -> Asked:
    with superset.api() as api:
        answer = api.post("/api/v1/chart/data", json=asked.query)
    assert answer.status_code == 200, answer.text
    return Asked(asked.query, answer.status_code, answer.json())


def _shown(asked: Asked, name: str) -> list[tuple[Any, ...]]:
    """Return what a chart got, as rows; a chart's series become one row per point."""
    if name in SERIES:
        series = asked.columns[1:]
        rows = [
            (row[0], one, value)
            for row in asked.rows
            for one, value in zip(series, row[1:], strict=True)
            if value is not None
        ]
    else:
        kept = [place for place, column in enumerate(asked.columns) if column != "rank"]
        rows = [tuple(row[place] for place in kept) for row in asked.rows]
    return _comparable(rows, name)


def _expected(published: Published, connection_id: str, name: str) -> list[tuple[Any, ...]]:
    with published.of(connection_id) as marts:
        return _comparable(marts.execute((ROWS | SERIES)[name]).fetchall(), name)


def _comparable(rows: list[tuple[Any, ...]], name: str) -> list[tuple[Any, ...]]:
    plain = [tuple(_plain(value) for value in row) for row in rows]
    return plain if name in IN_ORDER else sorted(plain, key=repr)


FIRST_TIME = 1e11
"""Greater numbers are times: milliseconds since 1970, of a day in 1973 or later."""


def _plain(value: Any) -> Any:
    """Return a value as JSON has it: times in milliseconds, numbers to nine digits."""
    if isinstance(value, datetime):
        return float(int(value.replace(tzinfo=UTC).timestamp() * 1000))
    if isinstance(value, date):
        return _plain(datetime(value.year, value.month, value.day))  # noqa: DTZ001 - made aware there
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(f"{value:.9g}") if abs(value) < FIRST_TIME else float(int(value))
    return value


def _day(milliseconds: float) -> date:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).date()


def _rate_of(published: Published, slug: str) -> list[tuple[Any, ...]]:
    with published.of(HEALTHY) as marts:
        return marts.execute(
            "select change_failure_rate from release_stability_summary where project_slug = $1",
            [slug],
        ).fetchall()


def _days(published: Published, begin: str, end: str) -> list[date]:
    with published.of(HEALTHY) as marts:
        found = marts.execute(
            "select distinct error_date from error_frequency"
            " where error_date >= $1::date and error_date < $2::date order by 1",
            [begin, end],
        ).fetchall()
    return [day for (day,) in found]


def _address(connection_id: str, slug: str, period: tuple[str, str]) -> str:
    """Return the part of the dashboard's address that sets its filters (in Rison)."""
    span = f"{period[0]} : {period[1]}"
    masks: Iterator[str] = (
        f"NATIVE_FILTER-{name}:(extraFormData:({data}),filterState:(value:{value}),"
        f"id:NATIVE_FILTER-{name},ownState:())"
        for name, data, value in (
            (
                "connection",
                f"filters:!((col:connection_id,op:IN,val:!({connection_id})))",
                f"!({connection_id})",
            ),
            ("project", f"filters:!((col:project_slug,op:IN,val:!('{slug}')))", f"!('{slug}')"),
            ("period", f"time_range:'{span}'", f"'{span}'"),
        )
    )
    return f"?native_filters=({','.join(masks)})"

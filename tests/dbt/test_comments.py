"""What dbt says of marts and columns reaches whoever opens the published views."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from include.published.layout import VIEWS
from include.warehouse.publishing import publish, withdraw
from include.warehouse.views import CONNECTION_ID
from tests.dbt.small_organization import ROWS
from tests.dbt.test_project import MARTS, documents
from tests.dbt.warehouses import Built


@pytest.fixture(scope="module")
def published(build: Callable[..., Built], tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = build(ROWS, "--exclude-resource-type", "unit_test", "--exclude-resource-type", "test")
    folder = tmp_path_factory.mktemp("published")
    for connection_id in ("c1", "c2"):
        publish(built.warehouse, folder, connection_id, timedelta(hours=2))
    return folder


def comments(published: Path) -> dict[str, dict[str, str | None]]:
    with duckdb.connect(str(published / VIEWS), read_only=True) as views:
        found: dict[str, dict[str, str | None]] = {}
        for view, column, comment in views.execute(
            "select table_name, column_name, comment from duckdb_columns()"
            " where not internal order by column_index"
        ).fetchall():
            found.setdefault(view, {})[column] = comment
        return found


def test_every_column_of_every_view_says_what_it_is(published: Path) -> None:
    described = {
        mart: {column["name"]: column["description"].strip() for column in model["columns"]}
        for mart, model in documents("marts").items()
    }
    assert set(described) == MARTS
    assert comments(published) == {
        mart: {**columns, "connection_id": CONNECTION_ID} for mart, columns in described.items()
    }


def test_every_view_says_what_it_is(published: Path) -> None:
    with duckdb.connect(str(published / VIEWS), read_only=True) as views:
        found = dict(
            views.execute(
                "select view_name, comment from duckdb_views() where not internal"
            ).fetchall()
        )
    assert found == {
        name: model["description"].strip() for name, model in documents("marts").items()
    }


def test_a_file_alone_says_what_it_is(published: Path) -> None:
    file = published / "process_findings" / "connection_id=c1" / "marts.parquet"
    rows = duckdb.execute(
        "select decode(key), decode(value) from parquet_kv_metadata($1)", [str(file)]
    ).fetchall()
    assert dict(rows)["comment"].startswith("One row per rule and project")
    assert "interval_low" in dict(rows)["columns"]


def test_comments_outlive_the_connection_that_was_published_first(published: Path) -> None:
    before = comments(published)
    withdraw(published, "c1")
    assert comments(published) == before

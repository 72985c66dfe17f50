"""What is to be copied works as it is."""

import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
import yaml
from sqlalchemy.engine import make_url

from include.published import snippets
from include.published.layout import VIEWS
from include.settings import PROJECT_ROOT
from include.warehouse.duckdb_file import DuckDBFile
from include.warehouse.publishing import publish

COLUMNS = ("connection_id", "week_start_date", "errors_per_hour")


@pytest.fixture
def published(tmp_path) -> Path:
    """Two connections in a folder whose name has to be quoted."""
    folder = tmp_path / "it's 50 % published"
    for number in (1, 2):
        warehouse = DuckDBFile(tmp_path, f"c{number}")
        with duckdb.connect(str(warehouse.path)) as database:
            database.execute(
                "create schema marts; create table marts.project_error_rate as"
                f" select date '2026-11-02' as week_start_date, {number} as errors_per_hour"
            )
        publish(warehouse, folder, f"c{number}", timedelta(0))
    return folder


def text_of(published, title, connection_id=None):
    (text,) = [one.text for one in snippets(published, connection_id) if one.title == title]
    return text


def run(*arguments):
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


@pytest.mark.parametrize(("connection_id", "shown"), [(None, ["c2", "c1"]), ("c1", ["c1"])])
def test_the_lines_for_duckdb_return_rows(published, connection_id, shown):
    text = text_of(published, "DuckDB", connection_id)
    rows = run("-c", "import duckdb, sys; print(duckdb.execute(sys.argv[1]).fetchall())", text)
    assert [one for one in ("c2", "c1") if f"'{one}'" in rows] == shown


@pytest.mark.parametrize(("connection_id", "shown"), [(None, {"c1", "c2"}), ("c1", {"c1"})])
def test_the_lines_for_python_print_rows(published, connection_id, shown):
    printed = run("-c", text_of(published, "Python", connection_id))
    assert {one for one in ("c1", "c2") if f" {one} " in printed} == shown


def test_the_address_for_superset_opens_the_views_read_only(published):
    """Its driver, duckdb-engine, gives the query's parts to DuckDB as its configuration."""
    address = make_url(text_of(published, "Superset").strip())
    assert address.drivername == "duckdb"
    assert address.database == str(published / VIEWS)
    with duckdb.connect(address.database, config=dict(address.query)) as views:
        assert views.execute("select count(*) from project_error_rate").fetchall() == [(2,)]
        with pytest.raises(duckdb.InvalidInputException, match="read-only"):
            views.execute("create table other (i integer)")


def test_metabase_is_told_the_same_file(published):
    assert str(published / VIEWS) in text_of(published, "Metabase")


def test_the_columns_exist():
    file = PROJECT_ROOT / "dbt_project" / "models" / "marts" / "project_error_rate.yml"
    (model,) = yaml.safe_load(file.read_text())["models"]
    assert {column["name"] for column in model["columns"]} >= {*COLUMNS} - {"connection_id"}


def test_each_tool_has_its_lines(published):
    assert [one.title for one in snippets(published)] == [
        "DuckDB",
        "Python",
        "Superset",
        "Metabase",
    ]
    assert all(one.hint.endswith(".") for one in snippets(published))


def test_the_lines_in_the_documentation_work(published, tmp_path):
    folder = tmp_path / "published"
    folder.symlink_to(published)
    text = (PROJECT_ROOT / "docs" / "published-data.md").read_text()
    text = text.replace("/var/lib/corvana/published", str(folder))
    attached, own = re.findall(r"```sql\n(.+?)```", text, re.DOTALL)
    assert len(duckdb.connect().execute(attached).fetchall()) == 2
    database = duckdb.connect()
    database.execute(own)
    assert database.execute(
        "select connection_id from project_error_rate order by 1"
    ).fetchall() == [
        ("c1",),
        ("c2",),
    ]
    (python,) = re.findall(r"```python\n(.+?)```", text, re.DOTALL)
    assert "2026-11-02" in run("-c", python)
    (address,) = re.findall(r"```\n(duckdb:.+?)\n```", text)
    assert address == text_of(folder, "Superset").strip()
    assert f"`{folder / VIEWS}`" in text

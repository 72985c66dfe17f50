"""What dbt compiled once, run without dbt, builds what dbt builds, and tests what dbt tests."""

from __future__ import annotations

import copy
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt.cli.main import dbtRunner

from include.transform import project
from include.transform.build import BuildFailed, build
from include.transform.compiled import NotRepeatable, prepare
from include.transform.prepared import Prepared, keep, load
from include.warehouse.duckdb_file import DuckDBFile
from tests.dbt.small_organization import ROWS
from tests.dbt.test_project import MARTS
from tests.dbt.warehouses import PROJECT, write_raw

BY_DBT, AS_BEFORE = "Completed successfully", "SQL that dbt compiled before"


@dataclass(frozen=True)
class Connection:
    """A warehouse of the small organization, and what a build of it may use."""

    folder: Path
    cache: Path

    @property
    def file(self) -> Path:
        return self.folder / "warehouse.duckdb"

    def build(self) -> None:
        build(DuckDBFile(self.folder, "warehouse"), self.folder / "work", self.cache)

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.file)) as database:
            return database.execute(statement).fetchall()

    def marts(self) -> dict[str, Any]:
        """Return everything that there is of the marts."""
        with duckdb.connect(str(self.file), read_only=True) as database:
            found: dict[str, Any] = {
                name: sorted(database.sql(f"from marts.{name}").fetchall(), key=repr)
                for name in MARTS
            }
            for what in ("tables", "columns"):
                kind = "" if what == "tables" else ", column_name, column_index, data_type"
                found[what] = database.sql(
                    f"select table_name, comment{kind} from duckdb_{what}()"
                    " where schema_name = 'marts' order by all"
                ).fetchall()
            return found


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What builds leave for others."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def by_dbt(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Connection:
    """A connection whose first build was dbt's."""
    return built_once(tmp_path_factory.mktemp("first"), cache)


@pytest.fixture
def connection(tmp_path: Path, by_dbt: Connection) -> Connection:
    """Another connection, which is not built yet."""
    write_raw(tmp_path / "warehouse.duckdb", ROWS)
    return Connection(tmp_path, by_dbt.cache)


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "include.transform.build")
    return caplog


def built_once(folder: Path, cache: Path) -> Connection:
    write_raw(folder / "warehouse.duckdb", ROWS)
    made = Connection(folder, cache)
    made.build()
    return made


def test_marts_types_and_comments_are_those_of_dbt(
    connection: Connection, by_dbt: Connection, said: pytest.LogCaptureFixture
) -> None:
    connection.build()
    assert AS_BEFORE in said.text
    assert BY_DBT not in said.text
    expected = by_dbt.marts()
    assert len(expected["dim_issue"]) == 6
    assert len(expected["columns"]) > 150
    assert all(comment for _, comment in expected["tables"])
    assert connection.marts() == expected


def test_every_test_of_dbt_is_run(by_dbt: Connection) -> None:
    (kept,) = by_dbt.cache.glob("compiled-*.json")
    steps = json.loads(kept.read_bytes())["steps"]
    kinds = [step["kind"] for step in steps]
    listed = dbtRunner().invoke(
        ["ls", "--resource-type", "test", "--quiet", *at(by_dbt.folder / "ls")]
    )
    assert isinstance(listed.result, list)
    assert kinds.count("test") + kinds.count("warning") == len(listed.result) > 200


def test_nothing_but_raw_tables_and_marts_is_in_the_warehouse(connection: Connection) -> None:
    connection.build()
    found = connection.execute("select distinct schema_name from duckdb_tables() order by all")
    assert found == [("marts",), ("raw",)]
    assert connection.execute("from duckdb_views() where not internal") == []
    assert list((connection.folder / "work").iterdir()) == []


def test_a_mart_that_the_project_has_no_more_is_gone(connection: Connection) -> None:
    connection.execute("create schema marts; create table marts.of_yesterday as select 1")
    connection.build()
    found = connection.execute("select table_name from duckdb_tables() where schema_name = 'marts'")
    assert {name for (name,) in found} == MARTS


def test_wrong_data_is_found_and_dbt_says_more(
    connection: Connection, said: pytest.LogCaptureFixture
) -> None:
    """Both find it; what was built before stays as a whole."""
    connection.build()
    before = connection.marts()
    said.clear()
    connection.execute("insert into raw.issues from raw.issues limit 1")
    with pytest.raises(BuildFailed, match="the lines above name the model or test"):
        connection.build()
    test = "key_stg_sentry__issues_issue_id"
    assert f"{test} found 1 rows that are wrong. dbt builds again" in said.text
    assert f"FAIL 1 {test}" in said.text
    assert connection.marts() == before


def test_a_warning_is_said_and_does_not_fail(
    connection: Connection, said: pytest.LogCaptureFixture
) -> None:
    connection.execute(
        "insert into raw.issue_histories by name select 'no such issue' as issue_id,"
        " now() as read_at, 0 as activities, false as is_cut_off"
    )
    connection.build()
    assert "found 1 rows that are wrong." in said.text
    assert AS_BEFORE in said.text


def test_a_statement_that_fails_is_explained_by_dbt(
    connection: Connection, said: pytest.LogCaptureFixture
) -> None:
    connection.execute("drop table raw.deploys")
    with pytest.raises(BuildFailed):
        connection.build()
    assert "A statement failed (CatalogException). dbt builds again." in said.text
    assert "Failure in model stg_sentry__deploys" in said.text


def test_what_was_kept_and_cannot_be_read_is_made_again(tmp_path: Path) -> None:
    kept = tmp_path / "compiled-0.json"
    assert load(kept) is None
    kept.write_text('{"steps": [')
    assert load(kept) is None
    prepared = Prepared({"memory_limit": "1GB"}, ("warehouse.marts",), ())
    keep(prepared, kept)
    assert load(kept) == prepared
    assert list(tmp_path.iterdir()) == [kept]


def test_a_build_without_a_warehouse_makes_none(tmp_path: Path, cache: Path) -> None:
    with pytest.raises(BuildFailed):
        Connection(tmp_path, cache).build()
    assert not (tmp_path / "warehouse.duckdb").exists()


def test_the_next_version_of_the_project_is_built_by_dbt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("models", "seeds"):
        (tmp_path / name).mkdir()
    model, seed = tmp_path / "models" / "m.sql", tmp_path / "seeds" / "s.csv"
    model.write_text("select 1")
    seed.write_text("threshold,value\n")
    code = tmp_path / "compiled.py"
    code.write_text("")
    monkeypatch.setattr(project, "PROJECT", tmp_path)
    monkeypatch.setattr(project, "CODE", tmp_path)
    found = [project.fingerprint()]
    for file in (model, seed, code, tmp_path / "profiles.yml", tmp_path / "dbt_project.yml"):
        file.write_text("something else")
        found.append(project.fingerprint())
    monkeypatch.setattr(project, "version", lambda name: "2.0" if name == "dbt-adapters" else "1")
    found.append(project.fingerprint())
    assert len(set(found)) == len(found)


@dataclass(frozen=True)
class Result:
    """What `prepare` reads of a result of dbt."""

    node: Any


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Compiled nodes of the project by their kind, one of each."""
    folder = tmp_path_factory.mktemp("compiled")
    selected = ["--select", "dim_project", "finding_rules", "assert_no_error_is_lost"]
    ended = dbtRunner().invoke(["compile", "--quiet", *selected, *at(folder)])
    assert ended.success
    return {str(result.node.resource_type): result.node for result in ended.result.results}


def at(folder: Path) -> list[str]:
    options = [f"--project-dir={PROJECT}", f"--profiles-dir={PROJECT}"]
    return [*options, f"--target-path={folder / 'target'}", f"--log-path={folder / 'logs'}"]


@pytest.mark.parametrize(
    ("kind", "option", "value"),
    [
        ("model", "materialized", "incremental"),
        ("model", "pre_hook", ["select 1"]),
        ("model", "post_hook", ["select 1"]),
        ("test", "limit", 5),
        ("test", "fail_calc", "sum(failures)"),
        ("test", "error_if", "> 10"),
        ("test", "warn_if", "> 10"),
        ("test", "store_failures", True),
    ],
)
def test_what_does_more_than_its_sql_is_left_to_dbt(
    nodes: dict[str, Any], kind: str, option: str, value: Any
) -> None:
    node = copy.deepcopy(nodes[kind])
    prepare([Result(node)])
    setattr(node.config, option, value)
    with pytest.raises(NotRepeatable, match=node.name):
        prepare([Result(node)])


def test_a_constraint_that_is_not_known_is_left_to_dbt(nodes: dict[str, Any]) -> None:
    node = copy.deepcopy(nodes["model"])
    constraints = [one for column in node.columns.values() for one in column.constraints]
    constraints[0].type = type(constraints[0].type).primary_key
    with pytest.raises(NotRepeatable, match="primary_key"):
        prepare([Result(node)])

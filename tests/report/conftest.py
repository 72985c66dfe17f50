"""The published marts of an organization of 600 issues, and a report of them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from include.report.content import Content, content
from include.report.marts import opened
from include.report.page import page
from include.sandbox.generate import DEFAULT_NOW, generate
from include.sandbox.server import running
from tests.integration.conftest import Connection

Rows = list[dict[str, Any]]


def exported(warehouse: Path, folder: Path) -> dict[str, Path]:
    """Write the marts of a warehouse as Parquet, as publishing does."""
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(warehouse), read_only=True) as database:
        names = database.execute(
            "select table_name from duckdb_tables() where schema_name = 'marts'"
        ).fetchall()
        files = {name: folder / f"{name}.parquet" for (name,) in names}
        for name, file in files.items():
            database.execute(f"copy marts.{name} to '{file}'")
    return files


def rows_of(file: Path) -> Rows:
    """The rows of a Parquet file, as plain Python."""
    with duckdb.connect() as database:
        database.execute("set timezone = 'UTC'")
        result = database.execute("from read_parquet($1)", [str(file)])
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


@pytest.fixture(scope="session")
def loaded(tmp_path_factory) -> Connection:
    """A connection that was loaded and built; its sandbox is gone."""
    organization = generate(seed=7, now=DEFAULT_NOW, issues=600)
    with running(organization) as sandbox:
        connection = Connection(organization, sandbox, tmp_path_factory.mktemp("report"))
        connection.load()
        connection.build()
    return connection


@pytest.fixture(scope="session")
def files(loaded, tmp_path_factory) -> Mapping[str, Path]:
    return exported(loaded.warehouse.path, tmp_path_factory.mktemp("marts"))


@pytest.fixture(scope="session")
def tables(files) -> Mapping[str, Rows]:
    """The marts' rows, for computations that share nothing with the report's."""
    return {name: rows_of(file) for name, file in files.items()}


@pytest.fixture(scope="session")
def shown(files) -> Content:
    with opened(files) as marts:
        return content(marts)


@pytest.fixture(scope="session")
def html(shown) -> str:
    return page(shown, "lumen-goods", datetime(2026, 11, 3, 10, tzinfo=UTC))

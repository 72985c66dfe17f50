"""Warehouses with hand-made raw tables, built by dbt as production does it."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from dlt_sources.sentry.tables import TABLES, Row
from include.warehouse.backend import Warehouse

PROJECT = Path(__file__).parents[2] / "dbt_project"

RawRows = Mapping[str, Sequence[Row]]


@dataclass(frozen=True)
class Built:
    """A warehouse after `dbt build`."""

    warehouse: Warehouse
    output: str

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Return the rows of a query."""
        with self.warehouse.open_for_reading() as connection:
            result = connection.sql(sql)
            return [dict(zip(result.columns, row, strict=True)) for row in result.fetchall()]

    def values(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query without the names of their columns."""
        return [tuple(row.values()) for row in self.rows(sql)]


def write_raw(path: Path, rows: RawRows) -> None:
    """Make a file with every table a load writes in the schema `raw`, dlt's column included."""
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema raw")
        for name, table in TABLES.items():
            connection.register("given", table.to_arrow(rows.get(name, ())))
            connection.execute(
                f"create table raw.{name} as select *, 'load' as _dlt_load_id from given"
            )
            connection.unregister("given")


def run_dbt(file: Path, work: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run dbt in a process of its own, which gives the database file free when it ends."""
    return subprocess.run(
        [
            Path(sys.executable).parent / "dbt",
            *arguments,
            "--project-dir",
            PROJECT,
            "--profiles-dir",
            PROJECT,
            "--target-path",
            work / "target",
            "--log-path",
            work / "logs",
            "--no-use-colors",
        ],
        env={**os.environ, "CORVANA_WAREHOUSE": str(file)},
        capture_output=True,
        text=True,
        check=False,
    )

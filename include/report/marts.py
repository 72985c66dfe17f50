"""The marts of one connection, as tables that SQL can ask for."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from include.report.failures import MartsMissing

NEEDED = frozenset(
    {
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
        "resolution_time",
        "resolution_time_distribution",
    }
)
"""Marts that the report is made of."""

LIMITS: dict[str, str | int] = {"memory_limit": "1GB", "threads": 2}


@dataclass(frozen=True, slots=True)
class Marts:
    """The marts of one connection.

    Attributes:
        database: Where each of them is a view.
        as_of: Sentry's time at the start of the load they were built from, UTC.
    """

    database: duckdb.DuckDBPyConnection
    as_of: datetime

    def rows(self, query: str, **values: object) -> list[tuple[Any, ...]]:
        """Return what a query finds; `$name` in it stands for the value of that name."""
        return self.database.execute(query, values or None).fetchall()


@contextmanager
def opened(files: Mapping[str, Path]) -> Iterator[Marts | None]:
    """Yield the marts of some Parquet files; None if no load has come to its end yet.

    Args:
        files: The file of each mart.

    Raises:
        MartsMissing: Some are not there.
    """
    if missing := sorted(NEEDED - files.keys()):
        raise MartsMissing(
            f"The published marts lack {', '.join(missing)}. Let the connection's DAG run once."
        )
    with duckdb.connect(":memory:", config={**LIMITS}) as database:
        database.execute("set timezone = 'UTC'")
        for mart in sorted(NEEDED):
            file = str(files[mart]).replace("'", "''")
            database.execute(f"create view \"{mart}\" as from read_parquet('{file}')")
        found = database.execute("select max(as_of) from data_freshness").fetchone()
        as_of = found[0] if found else None
        yield None if as_of is None else Marts(database, as_of)

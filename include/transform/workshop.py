"""Where the marts are made: beside the warehouse, which then gets them all at once.

What lies between raw tables and marts is needed while these are made, and never again. Writing it
into a warehouse costs more than computing it, in a file a third of a build, in a lake nearly all of
it; and whoever looks into the warehouse while a build fails would see marts of two builds.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import duckdb

from include.warehouse.backend import Warehouse
from include.warehouse.lake.attaching import OFFLINE
from include.warehouse.sql import literal, quoted

HERE = "warehouse"
"""The name under which dbt's models know the database that they are in."""

THERE = "loaded"
"""The name of the connection's warehouse meanwhile."""


@contextmanager
def opened(
    warehouse: Warehouse, settings: Mapping[str, str], file: Path | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a DuckDB with a warehouse, and with an empty database to make its marts in.

    Args:
        warehouse: The connection's.
        settings: DuckDB's.
        file: Where that database is, if not in memory (and beyond, in the current folder).

    Raises:
        duckdb.Error: The warehouse cannot be opened.
    """
    with duckdb.connect(config=OFFLINE) as database:
        for name, value in settings.items():
            database.execute(f"set global {name} = '{quoted(value)}'")
        database.execute(f"attach '{':memory:' if file is None else literal(file)}' as {HERE}")
        warehouse.attach(database, THERE)
        yield database


def fetch(database: duckdb.DuckDBPyConnection, *, copied: bool) -> None:
    """Have the loaded tables in the schema `raw` of the database.

    Args:
        database: See `opened`.
        copied: Whether as tables of their own, or as views of the warehouse's.
    """
    kind = "table" if copied else "view"
    database.execute(f"create schema {HERE}.raw")
    for name in _tables(database, THERE, "raw"):
        database.execute(f'create {kind} {HERE}.raw."{name}" as from {THERE}.raw."{name}"')


def deliver(database: duckdb.DuckDBPyConnection) -> None:
    """Put the marts into the warehouse with their comments, and none of those before, at once."""
    database.execute("begin")
    database.execute(f"create schema if not exists {THERE}.marts")
    made = _tables(database, HERE, "marts")
    for outdated in {*_tables(database, THERE, "marts")} - {*made}:
        database.execute(f'drop table {THERE}.marts."{outdated}"')
    for name in made:
        mart = f'marts."{name}"'
        database.execute(f"create or replace table {THERE}.{mart} as from {HERE}.{mart}")
    for statement in _comments(database):
        database.execute(statement)
    database.execute("commit")


def _tables(database: duckdb.DuckDBPyConnection, where: str, schema: str) -> list[str]:
    """Return the names of a schema's tables, but for those in which dlt keeps its own state."""
    found = database.execute(
        "select table_name from duckdb_tables()"
        " where database_name = $1 and schema_name = $2 and not starts_with(table_name, '_dlt')"
        " order by all",
        [where, schema],
    )
    return [name for (name,) in found.fetchall()]


def _comments(database: duckdb.DuckDBPyConnection) -> list[str]:
    """Return statements that make the comments on the new marts."""
    found = database.execute(
        f"""
        select format('table {THERE}.marts."{{}}"', table_name), comment
        from duckdb_tables()
        where database_name = '{HERE}' and schema_name = 'marts' and comment is not null
        union all
        select format('column {THERE}.marts."{{}}"."{{}}"', table_name, column_name), comment
        from duckdb_columns()
        where database_name = '{HERE}' and schema_name = 'marts' and comment is not null
        """  # noqa: S608 - our own names only
    )
    return [f"comment on {what} is '{quoted(text)}'" for what, text in found.fetchall()]

"""Writing a warehouse's marts as Parquet files that say what they are."""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import duckdb

from include.published.generations import Mart
from include.warehouse.sql import literal, quoted

COMMENT, COLUMNS = "comment", "columns"
"""Keys of the files' metadata: what the mart is, and what each column is, as JSON."""


def export(
    database: duckdb.DuckDBPyConnection, folder: Path, check: Callable[[], None]
) -> dict[str, Mart]:
    """Write each mart of a warehouse into a file in a folder, all as of the same moment.

    Args:
        database: A connection to the warehouse; the schema `marts` is read.
        folder: Where the files are made, each named after its mart.
        check: Asked before each file whether to go on; raises to stop.
    """
    written = {}
    database.execute("begin")
    for mart in _marts(database):
        check()
        written[mart] = _export(database, mart, folder / f"{mart}.parquet")
    database.execute("commit")
    return written


def said_of(database: duckdb.DuckDBPyConnection, file: Path) -> tuple[str, dict[str, str]]:
    """Return what a file says of its mart, and of each of its columns."""
    metadata = dict(
        database.execute(
            "select decode(key), decode(value) from parquet_kv_metadata($1)", [str(file)]
        ).fetchall()
    )
    return metadata.get(COMMENT, ""), json.loads(metadata.get(COLUMNS, "{}"))


def _marts(database: duckdb.DuckDBPyConnection) -> list[str]:
    found = database.execute(
        "select table_name from duckdb_tables()"
        " where database_name = current_database() and schema_name = 'marts' order by table_name"
    )
    return [name for (name,) in found.fetchall()]


def _export(database: duckdb.DuckDBPyConnection, mart: str, file: Path) -> Mart:
    """Write a mart as Parquet."""
    columns = _columns(database, mart)
    metadata = ", ".join(
        f"{key}: '{quoted(text)}'" for key, text in _comments(database, mart, columns).items()
    )
    (rows,) = database.execute(
        f"copy (from marts.\"{mart}\") to '{literal(file)}'"
        f" (format parquet, kv_metadata {{{metadata}}})"
    ).fetchall()[0]
    schema = json.dumps([(name, kind) for name, kind, _ in columns])
    return Mart(rows=int(rows), schema=sha256(schema.encode()).hexdigest()[:16])


def _columns(database: duckdb.DuckDBPyConnection, mart: str) -> list[tuple[str, str, str | None]]:
    """Return the name, the type and the comment of a mart's columns."""
    return database.execute(
        "select column_name, data_type, comment from duckdb_columns()"
        " where database_name = current_database() and schema_name = 'marts' and table_name = $1"
        " order by column_index",
        [mart],
    ).fetchall()


def _comments(
    database: duckdb.DuckDBPyConnection, mart: str, columns: list[tuple[str, str, str | None]]
) -> dict[str, str]:
    """Return what is said of a mart and of its columns, as metadata of its file."""
    table = database.execute(
        "select comment from duckdb_tables()"
        " where database_name = current_database() and schema_name = 'marts' and table_name = $1",
        [mart],
    ).fetchone()
    about = table[0] if table and table[0] else ""
    said = {name: comment for name, _, comment in columns if comment is not None}
    return {COMMENT: about, COLUMNS: json.dumps(said, ensure_ascii=False)}

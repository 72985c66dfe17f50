"""Publishing: marts as Parquet files that any number of readers open without blocking a load.

A reader that holds a DuckDB file open blocks its writer. So nobody reads the warehouses: each mart
of a connection is one Parquet file, replaced at once, and `corvana.duckdb` holds views over all.
"""

import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

VIEWS = "corvana.duckdb"


def publish(warehouse: Path, published: Path, connection_id: str) -> dict[str, int]:
    """Publish a connection's marts and return how many rows each has.

    Args:
        warehouse: The connection's DuckDB file; only read.
        published: Folder of the published marts.
        connection_id: Names the connection's files and fills the column `connection_id`.
    """
    published.mkdir(parents=True, exist_ok=True)
    with (
        TemporaryDirectory(prefix=".publishing-", dir=published) as scratch,
        duckdb.connect(str(warehouse), read_only=True) as database,
    ):
        rows = {mart: _export(database, mart, Path(scratch)) for mart in _marts(database)}
        for mart in rows:
            target = published / mart / f"connection_id={connection_id}"
            target.mkdir(parents=True, exist_ok=True)
            os.replace(Path(scratch) / f"{mart}.parquet", target / "marts.parquet")  # noqa: PTH105
        _forget_dropped(published, connection_id, set(rows))
        _write_views(published, Path(scratch))
    return rows


def _marts(database: duckdb.DuckDBPyConnection) -> list[str]:
    found = database.sql(
        "select table_name from information_schema.tables"
        " where table_schema = 'marts' order by table_name"
    )
    return [name for (name,) in found.fetchall()]


def _export(database: duckdb.DuckDBPyConnection, mart: str, folder: Path) -> int:
    """Write a mart as Parquet and return its number of rows."""
    file = folder / f"{mart}.parquet"
    (count,) = database.execute(
        f"copy (from marts.\"{mart}\") to '{_literal(file)}' (format parquet)"
    ).fetchall()[0]
    return int(count)


def _forget_dropped(published: Path, connection_id: str, marts: set[str]) -> None:
    """Remove the connection's files of marts that are no longer built."""
    for stale in published.glob(f"*/connection_id={connection_id}"):
        if stale.parent.name not in marts:
            shutil.rmtree(stale)


def _write_views(published: Path, scratch: Path) -> None:
    """Replace the database of views, one for each mart that anybody has."""
    marts = sorted({folder.parent.name for folder in published.glob("*/connection_id=*")})
    fresh = scratch / VIEWS
    with duckdb.connect(str(fresh)) as views:
        for mart in marts:
            files = _literal(published / mart / "connection_id=*" / "marts.parquet")
            views.execute(
                f'create view "{mart}" as from read_parquet('
                f"'{files}', union_by_name = true, hive_types = {{'connection_id': varchar}})"
            )
    os.replace(fresh, published / VIEWS)  # noqa: PTH105 - the atomic one


def _literal(path: Path) -> str:
    return str(path.resolve()).replace("'", "''")

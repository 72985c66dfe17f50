"""Publishing: marts as Parquet files that any number of readers open without blocking a load.

A reader that holds a DuckDB file open blocks its writer. So nobody reads the warehouses: each mart
of a connection is one Parquet file, replaced at once, and `corvana.duckdb` holds views over all.
What dbt says of a mart and its columns goes with them, as metadata of the files and as comments on
the views.
"""

import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from include.files import remove
from include.locks import waiting

VIEWS = "corvana.duckdb"

LOCK = "views"
"""The lock's name in the folder of locks, beside the published marts."""

_MART, _COLUMNS = "comment", "columns"
"""Keys of the files' metadata: what the mart is, and what each column is, as JSON."""

CONNECTION_ID = "Identifier of the connection that the row belongs to"

SCRATCH = ".publishing-"
"""Begins the name of a folder in which files are made, before the connection's id."""


def publish(
    warehouse: Path, published: Path, connection_id: str, check: Callable[[], None] = lambda: None
) -> dict[str, int]:
    """Publish a connection's marts and return how many rows each has.

    Args:
        warehouse: The connection's DuckDB file; only read.
        published: Folder of the published marts.
        connection_id: Names the connection's files and fills the column `connection_id`.
        check: Asked before each file is replaced whether to go on; raises to stop.
    """
    published.mkdir(parents=True, exist_ok=True)
    with (
        TemporaryDirectory(prefix=f"{SCRATCH}{connection_id}-", dir=published) as scratch,
        duckdb.connect(str(warehouse), read_only=True) as database,
    ):
        rows = {mart: _export(database, mart, Path(scratch)) for mart in _marts(database)}
        for mart in rows:
            check()
            target = published / mart / f"connection_id={connection_id}"
            target.mkdir(parents=True, exist_ok=True)
            os.replace(Path(scratch) / f"{mart}.parquet", target / "marts.parquet")  # noqa: PTH105
        _forget_dropped(published, connection_id, set(rows))
        _write_views(published, Path(scratch))
    return rows


def published_of(published: Path, connection_id: str) -> list[Path]:
    """Return the folders with a connection's files, also those in which they were being made."""
    return [
        *published.glob(f"*/connection_id={connection_id}"),
        *published.glob(f"{SCRATCH}{connection_id}-*"),
    ]


def withdraw(published: Path, connection_id: str) -> None:
    """Remove a connection's published files, and the views that nobody has files for any more.

    A reader that has a file open reads on to its end.

    Raises:
        NotDeleted: Some are left.
    """
    folders = published_of(published, connection_id)
    remove(folders)
    for mart in {folder.parent for folder in folders} - {published}:
        with suppress(OSError):  # other connections have files in it
            mart.rmdir()
    # To write them opens every file of everybody; a view needs that only if it lost its last one.
    if (published / VIEWS).exists() and _viewed(published) != _published(published):
        with TemporaryDirectory(prefix=f"{SCRATCH}views-", dir=published) as scratch:
            _write_views(published, Path(scratch))


def _viewed(published: Path) -> list[str] | None:
    """Return the marts that have a view; None if that cannot be seen: somebody writes to them."""
    try:
        with duckdb.connect(str(published / VIEWS), read_only=True) as views:
            found = views.execute("select view_name from duckdb_views() where not internal")
            return sorted(name for (name,) in found.fetchall())
    except duckdb.Error:
        return None


def _published(published: Path) -> list[str]:
    """Return the marts that anybody has files of."""
    return sorted({folder.parent.name for folder in published.glob("*/connection_id=*")})


def _marts(database: duckdb.DuckDBPyConnection) -> list[str]:
    found = database.sql(
        "select table_name from information_schema.tables"
        " where table_schema = 'marts' order by table_name"
    )
    return [name for (name,) in found.fetchall()]


def _export(database: duckdb.DuckDBPyConnection, mart: str, folder: Path) -> int:
    """Write a mart as Parquet and return its number of rows."""
    file = folder / f"{mart}.parquet"
    metadata = ", ".join(
        f"{key}: '{_quoted(text)}'" for key, text in _comments(database, mart).items()
    )
    (count,) = database.execute(
        f"copy (from marts.\"{mart}\") to '{_literal(file)}'"
        f" (format parquet, kv_metadata {{{metadata}}})"
    ).fetchall()[0]
    return int(count)


def _comments(database: duckdb.DuckDBPyConnection, mart: str) -> dict[str, str]:
    """Return what is said of a mart and of its columns, as metadata of its file."""
    table = database.execute(
        "select comment from duckdb_tables() where schema_name = 'marts' and table_name = $1",
        [mart],
    ).fetchone()
    columns = database.execute(
        "select column_name, comment from duckdb_columns()"
        " where schema_name = 'marts' and table_name = $1 and comment is not null"
        " order by column_index",
        [mart],
    ).fetchall()
    about = table[0] if table and table[0] else ""
    return {_MART: about, _COLUMNS: json.dumps(dict(columns), ensure_ascii=False)}


def _forget_dropped(published: Path, connection_id: str, marts: set[str]) -> None:
    """Remove the connection's files of marts that are no longer built."""
    for stale in published.glob(f"*/connection_id={connection_id}"):
        if stale.parent.name not in marts:
            shutil.rmtree(stale)


def _write_views(published: Path, scratch: Path) -> None:
    """Replace the database of views, one for each mart that anybody has.

    One process at a time does, so that the last one to look is the last one to write.
    """
    fresh = scratch / VIEWS
    with waiting(published.with_name("locks") / LOCK):
        with duckdb.connect(str(fresh)) as views:
            for mart in _published(published):
                files = _literal(published / mart / "connection_id=*" / "marts.parquet")
                views.execute(
                    f'create view "{mart}" as from read_parquet('
                    f"'{files}', union_by_name = true, hive_types = {{'connection_id': varchar}})"
                )
                with suppress(OSError, duckdb.IOException):  # that file is just being withdrawn
                    _comment(views, mart, published)
        os.replace(fresh, published / VIEWS)  # noqa: PTH105 - the atomic one


def _comment(views: duckdb.DuckDBPyConnection, mart: str, published: Path) -> None:
    """Say of a view and its columns what the file that was published last says of them."""
    files = (published / mart).glob("connection_id=*/marts.parquet")
    latest = max(files, key=lambda file: file.stat().st_mtime, default=None)
    if latest is None:
        return
    metadata = dict(
        views.execute(
            "select decode(key), decode(value) from parquet_kv_metadata($1)", [str(latest)]
        ).fetchall()
    )
    views.execute(f"comment on view \"{mart}\" is '{_quoted(metadata.get(_MART, ''))}'")
    columns = json.loads(metadata.get(_COLUMNS, "{}"))
    for column, text in {**columns, "connection_id": CONNECTION_ID}.items():
        views.execute(f'comment on column "{mart}"."{column}" is \'{_quoted(text)}\'')


def _literal(path: Path) -> str:
    return _quoted(str(path.resolve()))


def _quoted(text: str) -> str:
    return text.replace("'", "''")

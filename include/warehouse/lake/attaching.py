"""Opens a lake in DuckDB."""

from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

import duckdb

from include.warehouse.lake.address import ALIAS, LakeAddress

OFFLINE: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
"""Options of DuckDB: an extension that is not installed is an error, not a download."""


def attached(
    address: LakeAddress,
    work_dir: Path,
    *,
    read_only: bool = False,
    create: bool = False,
    limits: Mapping[str, str | int] | None = None,
) -> duckdb.DuckDBPyConnection:
    """Return a connection in which the lake is the database that names are looked up in.

    Args:
        address: The lake.
        work_dir: Where a folder is made for what does not fit into memory, if need be.
        read_only: Nothing may be written.
        create: Make an empty lake if there is none.
        limits: What DuckDB may use, if less than all.

    Raises:
        duckdb.Error: There is no such lake, or it cannot be reached.
        ExtensionMissing: An extension of DuckDB is not installed.
    """
    spill = work_dir / f"spill-{uuid4().hex}"
    options = {**OFFLINE, "temp_directory": str(spill), **(limits or {})}
    database = duckdb.connect(":memory:", config=options)
    try:
        for statement in address.statements(read_only=read_only, create=create):
            database.execute(statement)
        database.execute(f"USE {ALIAS}")
        work_dir.mkdir(parents=True, exist_ok=True)
    except BaseException:
        database.close()
        raise
    return database

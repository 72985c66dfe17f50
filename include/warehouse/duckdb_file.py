"""A warehouse in a DuckDB file of the connection's own.

DuckDB leaves deleted rows in the file until it is removed, and two processes cannot write one file.
So no two connections share one: deleting a connection's data is deleting its file.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import duckdb as engine

from include.files import measure, remove
from include.warehouse.limits import LIMITS
from include.warehouse.sql import literal

if TYPE_CHECKING:
    from dlt.destinations import duckdb


class DuckDBFile:
    """The warehouse of one connection, with the schemas `raw`, `staging` and `marts`.

    Args:
        folder: Folder of all warehouses.
        connection_id: Opaque id of the connection; names the file.
    """

    def __init__(self, folder: Path, connection_id: str) -> None:
        self.path = folder / f"{connection_id}.duckdb"

    @property
    def paths(self) -> list[Path]:
        """All there is of it: the file, its write-ahead log, and what did not fit into memory."""
        return sorted(self.path.parent.glob(f"{self.path.name}*"))

    def dlt_destination(self) -> "duckdb":
        """Return the destination for dlt to load into; see `backend.Warehouse`."""
        # Takes seconds to import, and the DAG file, which only needs the path, is parsed all day.
        from dlt.destinations import duckdb  # noqa: PLC0415
        from dlt.destinations.impl.duckdb.configuration import DuckDbCredentials  # noqa: PLC0415

        self.path.parent.mkdir(parents=True, exist_ok=True)
        credentials = DuckDbCredentials(str(self.path))
        credentials.global_config = dict(LIMITS)
        return duckdb(credentials)

    is_near = True

    def environment(self) -> dict[str, str]:
        """Return what another process finds it by; see `backend.Warehouse`."""
        return {"CORVANA_WAREHOUSE_BACKEND": "duckdb", "CORVANA_WAREHOUSE": str(self.path)}

    def attach(self, database: engine.DuckDBPyConnection, name: str) -> None:
        """Attach the file to a DuckDB; see `backend.Warehouse`."""
        if not self.path.exists():  # DuckDB would make one
            raise engine.IOException("There is no such warehouse.")
        database.execute(f"attach '{literal(self.path)}' as {name}")

    def exists(self) -> bool:
        """Whether the file is there; see `backend.Warehouse`."""
        return self.path.exists()

    def discard_if_empty(self) -> None:
        """Remove the file if nothing was ever written into it; let it be if another has it open."""
        if not self.path.exists():
            return
        try:
            with engine.connect(str(self.path), read_only=True) as database:
                is_empty = not database.execute("from duckdb_tables()").fetchall()
        except engine.Error:
            return
        if is_empty:
            self.path.unlink()

    def open_for_reading(self) -> engine.DuckDBPyConnection:
        """Return a connection in which the schemas can be read; see `backend.Warehouse`."""
        return engine.connect(str(self.path), read_only=True)

    def compact(self) -> None:
        """Do nothing: DuckDB uses the room of replaced rows again; see `backend.Warehouse`."""

    def elsewhere(self) -> str | None:
        """Tell what speaks against files being here; see `backend.Warehouse`."""
        folder = self.path.parent
        if folder.is_dir() and any(folder.iterdir()):
            return None
        return (
            f"there are no warehouses in {folder}: check that the data folder is mounted where the "
            f"purge runs. If it was emptied by hand, say so: mkdir -p {folder}; "
            f"touch {folder}/emptied"
        )

    def measure(self) -> dict[str, int]:
        """Return what there is; see `backend.Warehouse`."""
        found = measure(self.paths)
        try:
            with self.open_for_reading() as database:
                (rows,) = database.execute(
                    "select coalesce(sum(estimated_size), 0) from duckdb_tables()"
                ).fetchall()[0]
        except engine.Error:
            return found
        return found | {"rows": int(rows)}

    def destroy(self) -> None:
        """Delete all of it; see `backend.Warehouse`."""
        remove(self.paths)

"""A warehouse in a DuckDB file of the connection's own.

DuckDB leaves deleted rows in the file until it is removed, and two processes cannot write one file.
So no two connections share one: deleting a connection's data is deleting its file.
"""

from pathlib import Path
from typing import TYPE_CHECKING

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

    def dlt_destination(self) -> "duckdb":
        """Return the destination for dlt to load into."""
        # Takes seconds to import, and DAG files that only need the path are parsed all the time.
        from dlt.destinations import duckdb  # noqa: PLC0415

        self.path.parent.mkdir(parents=True, exist_ok=True)
        return duckdb(str(self.path))

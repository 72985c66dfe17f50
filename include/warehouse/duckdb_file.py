"""A warehouse in a DuckDB file of the connection's own.

DuckDB leaves deleted rows in the file until it is removed, and two processes cannot write one file.
So no two connections share one: deleting a connection's data is deleting its file.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import duckdb as engine

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
        # Takes seconds to import, and the DAG file, which only needs the path, is parsed all day.
        from dlt.destinations import duckdb  # noqa: PLC0415

        self.path.parent.mkdir(parents=True, exist_ok=True)
        return duckdb(str(self.path))

    def has_unfinished_load(self) -> bool:
        """Tell whether a load was cut off between two tables and none has repeated it since.

        dlt enters a load into `_dlt_loads` when all of its tables are merged. The next load writes
        every row of one that was cut off again, but for its row in `load_runs`.
        """
        from dlt_sources.sentry.tables import TABLES  # noqa: PLC0415 - imports pyarrow

        names = TABLES.keys() - {"load_runs"}
        rows = " union all ".join(f"select _dlt_load_id from raw.{name}" for name in names)  # noqa: S608
        query = f"""
            select count(*) from ({rows})
            where _dlt_load_id not in (select load_id from raw._dlt_loads where status = 0)
        """  # noqa: S608 - our own names only
        with engine.connect(str(self.path), read_only=True) as database:
            try:
                found = database.execute(query).fetchall()
            except engine.CatalogException:
                return True
        return bool(found[0][0])

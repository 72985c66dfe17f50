"""A warehouse in a DuckDB file of the connection's own.

DuckDB leaves deleted rows in the file until it is removed, and two processes cannot write one file.
So no two connections share one: deleting a connection's data is deleting its file.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb as engine

from include.files import measure, remove

if TYPE_CHECKING:
    from dlt.destinations import duckdb


@dataclass(frozen=True, slots=True)
class PastLoad:
    """What `raw.load_runs` says of a load.

    Attributes:
        is_first: It was the connection's first one.
        is_backfilled: It left no history waiting to be read.
        slices: Slices that it committed: of what had changed at least one, and then of history.
    """

    is_first: bool
    is_backfilled: bool
    slices: int


LIMITS = {"memory_limit": "80MB", "threads": 1}
"""What DuckDB may use while it merges a slice; beyond it, it goes through a file beside its own.
Without a limit it takes 100 MB more for a slice of 40,000 rows, and is no faster (measured). Each
thread wants memory of its own: with two of them, slices of 100,000 rows did not fit in; with one,
those of 400,000 do, and it takes no longer."""


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
        """Return the destination for dlt to load into."""
        # Takes seconds to import, and the DAG file, which only needs the path, is parsed all day.
        from dlt.destinations import duckdb  # noqa: PLC0415
        from dlt.destinations.impl.duckdb.configuration import DuckDbCredentials  # noqa: PLC0415

        self.path.parent.mkdir(parents=True, exist_ok=True)
        credentials = DuckDbCredentials(str(self.path))
        credentials.global_config = dict(LIMITS)
        return duckdb(credentials)

    def has_unfinished_load(self) -> bool:
        """Tell whether the latest slice of a load was cut off between two tables.

        dlt enters a slice into `_dlt_loads` when all of its tables are merged. The next load reads
        again what is in the tables of one that was cut off, as far as Sentry still shows it.
        """
        from dlt_sources.sentry.tables import TABLES  # noqa: PLC0415 - imports pyarrow

        names = TABLES.keys() - {"load_runs"}
        rows = " union all ".join(f"select _dlt_load_id from raw.{name}" for name in names)  # noqa: S608
        query = f"""
            with finished as (
                select cast(load_id as double) as load_id from raw._dlt_loads where status = 0
            )
            select count(*) from ({rows})
            where cast(_dlt_load_id as double) > coalesce((select max(load_id) from finished), 0)
        """  # noqa: S608 - our own names only
        with engine.connect(str(self.path), read_only=True) as database:
            try:
                found = database.execute(query).fetchall()
            except engine.CatalogException:
                return True
        return bool(found[0][0])

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

    def latest_loads(self, count: int) -> list[PastLoad]:
        """Return the latest loads, the newest one first."""
        query = """
            select is_first, is_backfilled, slices from raw.load_runs
            order by as_of desc, _dlt_load_id desc limit ?
        """
        with engine.connect(str(self.path), read_only=True) as database:
            return [PastLoad(*row) for row in database.execute(query, [count]).fetchall()]

    def open_for_reading(self) -> engine.DuckDBPyConnection:
        """Return a connection in which the schemas can be read; see `backend.Warehouse`."""
        return engine.connect(str(self.path), read_only=True)

    def is_elsewhere(self) -> bool:
        """Whether there are no warehouses at all here; see `backend.Warehouse`."""
        folder = self.path.parent
        return not folder.is_dir() or not any(folder.iterdir())

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

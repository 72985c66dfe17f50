"""What a warehouse is to those who do not care where it is.

There is one class for each place that a connection's data can live in: a DuckDB file, or a lake
with a catalog in Postgres. A warehouse belongs to one connection, so deleting the data of a
connection is deleting its warehouse.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import duckdb

from include.settings import Settings, settings
from include.warehouse.duckdb_file import DuckDBFile
from include.warehouse.ducklake import DuckLake

if TYPE_CHECKING:
    from dlt.common.destination import Destination


class Warehouse(Protocol):
    """The warehouse of one connection.

    Who writes into it holds the connection's lease: a warehouse has one writer.
    """

    def dlt_destination(self) -> "Destination[Any, Any]":
        """Return the destination for dlt to load into; the warehouse is made if need be."""

    def environment(self) -> dict[str, str]:
        """Return the variables by which `warehouse_in` finds it in another process."""

    def attach(self, database: duckdb.DuckDBPyConnection, name: str) -> None:
        """Attach it to a DuckDB under a name, to read and to write.

        Raises:
            duckdb.Error: There is none, or another process has it open.
        """

    @property
    def is_near(self) -> bool:
        """Whether a table can be read again and again at no cost."""

    def exists(self) -> bool:
        """Whether there is one: something was loaded, and not deleted."""

    def discard_if_empty(self) -> None:
        """Remove it if nothing was ever written into it; let it be if that cannot be seen."""

    def open_for_reading(self) -> duckdb.DuckDBPyConnection:
        """Return a connection in which the schemas `raw`, `staging` and `marts` can be read.

        Raises:
            duckdb.Error: There is none, or a process that writes has it open.
        """

    def compact(self) -> None:
        """Give back what replaced rows take up, where that does not happen by itself.

        A failure is logged, no more: what was done before is done.
        """

    def elsewhere(self) -> str | None:
        """Tell why no warehouse at all seems to be where this one should be, or None.

        What is said follows a comma, and says what to check: nothing is mounted, for instance.
        """

    def measure(self) -> dict[str, int]:
        """Return what there is: `files`, `bytes`, and `rows` where these can be counted."""

    def destroy(self) -> None:
        """Delete all of it. Nothing happens where nothing is (any more).

        Raises:
            NotDeleted: Something is left.
        """


def warehouse_of(current: Settings, connection_id: str) -> Warehouse:
    """Return the warehouse of a connection, whether or not it was ever written."""
    if current.warehouse_backend == "ducklake":
        return DuckLake(current, connection_id)
    return DuckDBFile(current.warehouse_dir, connection_id)


def warehouse_in(environment: Mapping[str, str]) -> Warehouse:
    """Return the warehouse that `Warehouse.environment` describes."""
    name = environment["CORVANA_WAREHOUSE"]
    if environment["CORVANA_WAREHOUSE_BACKEND"] == "ducklake":
        return DuckLake(settings(), name)
    path = Path(name)
    return DuckDBFile(path.parent, path.stem)

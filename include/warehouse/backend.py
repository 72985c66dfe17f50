"""What a warehouse is to those who do not care where it is.

There is one class for each place that a connection's data can live in: a DuckDB file, or a lake
with a catalog in Postgres. A warehouse belongs to one connection, so deleting the data of a
connection is deleting its warehouse.
"""

from typing import TYPE_CHECKING, Any, Protocol

import duckdb

from include.settings import Settings
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

    def dbt_environment(self) -> dict[str, str]:
        """Return the variables that let dbt, in a process of its own, build in it."""

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


def warehouse_of(settings: Settings, connection_id: str) -> Warehouse:
    """Return the warehouse of a connection, whether or not it was ever written."""
    if settings.warehouse_backend == "ducklake":
        return DuckLake(settings, connection_id)
    return DuckDBFile(settings.warehouse_dir, connection_id)

"""What a warehouse is to those who do not care where it is.

There is one class for each place that a connection's data can live in: a DuckDB file, so far. A
warehouse belongs to one connection, so deleting the data of a connection is deleting its warehouse.
"""

from typing import Protocol

import duckdb

from include.settings import Settings
from include.warehouse.duckdb_file import DuckDBFile


class Warehouse(Protocol):
    """The warehouse of one connection."""

    def open_for_reading(self) -> duckdb.DuckDBPyConnection:
        """Return a connection in which the schemas `raw`, `staging` and `marts` can be read.

        Raises:
            duckdb.Error: There is none, or a process that writes has it open.
        """

    def is_elsewhere(self) -> bool:
        """Whether there is no warehouse at all where this one should be: nothing is mounted."""

    def measure(self) -> dict[str, int]:
        """Return what there is: `files`, `bytes`, and `rows` where these can be counted."""

    def destroy(self) -> None:
        """Delete all of it. Nothing happens where nothing is (any more).

        Raises:
            NotDeleted: Something is left.
        """


def warehouse_of(settings: Settings, connection_id: str) -> Warehouse:
    """Return the warehouse of a connection, whether or not it was ever written."""
    return DuckDBFile(settings.warehouse_dir, connection_id)

"""dlt's destination for a lake.

dlt's own `ducklake` opens a new DuckDB for each of the dozens of times that it connects in a load,
and puts the catalog's password into the statement that attaches. This one keeps one DuckDB, to
which the lake is attached once, as its destination for DuckDB files does.
"""

from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from dlt.common.configuration import configspec
from dlt.common.configuration.specs import ConnectionStringCredentials
from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.schema import Schema
from dlt.destinations import ducklake
from dlt.destinations.impl.duckdb.configuration import DuckDbConnectionPool
from dlt.destinations.impl.duckdb.duck import DuckDbClient
from dlt.destinations.impl.duckdb.sql_client import DuckDbSqlClient
from dlt.destinations.impl.ducklake.configuration import (
    DuckLakeClientConfiguration,
    DuckLakeCredentials,
)
from dlt.destinations.impl.ducklake.ducklake import DuckLakeClient
from dlt.destinations.impl.ducklake.sql_client import DuckLakeSqlClient
from duckdb import CatalogException, DuckDBPyConnection

from include.warehouse.lake.address import ALIAS, LakeAddress
from include.warehouse.lake.attaching import OFFLINE


@configspec(init=False)
class LakeCredentials(DuckLakeCredentials):
    """Credentials that open DuckDB once: they are what dlt connects through."""

    def on_resolved(self) -> None:
        """Make the pool whose connections share one DuckDB."""
        self.conn_pool = DuckDbConnectionPool(self)


class LakeSqlClient(DuckLakeSqlClient):
    """Connections to the one DuckDB, in which the lake is attached."""

    def open_connection(self) -> DuckDBPyConnection:
        """Return a connection in which names are looked up in the dataset."""
        connection = DuckDbSqlClient.open_connection(self)
        connection.execute(f"USE {ALIAS}")
        with suppress(CatalogException):  # the dataset is about to be made
            connection.execute(f"SET search_path = '{self.fully_qualified_dataset_name()}'")
        return connection

    def close_connection(self) -> None:
        """Give the connection back; the lake stays attached for the others."""
        DuckDbSqlClient.close_connection(self)


class LakeClient(DuckLakeClient):
    """What dlt loads through."""

    def __init__(
        self,
        schema: Schema,
        config: DuckLakeClientConfiguration,
        capabilities: DestinationCapabilitiesContext,
    ) -> None:
        super().__init__(schema, config, capabilities)
        self.sql_client = LakeSqlClient(
            dataset_name=config.normalize_dataset_name(schema),
            staging_dataset_name=config.normalize_staging_dataset_name(schema),
            credentials=config.credentials,
            capabilities=capabilities,
        )

    def initialize_storage(self, truncate_tables: Any = None) -> None:  # noqa: ANN401 - dlt's own
        """Make the dataset. Where its data goes, the lake knows by itself."""
        DuckDbClient.initialize_storage(self, truncate_tables)


class Lake(ducklake):
    """The destination."""

    @property
    def client_class(self) -> type[LakeClient]:
        """What dlt loads through."""
        return LakeClient


def lake_destination(address: LakeAddress, work_dir: Path, limits: dict[str, Any]) -> Lake:
    """Return the destination for a lake, which exists.

    Args:
        address: The lake.
        work_dir: Where a folder may be made for what does not fit into memory.
        limits: Options of DuckDB.
    """
    catalog = ConnectionStringCredentials()
    catalog.drivername = "postgres"
    catalog.host, catalog.database = address.catalog.host, address.catalog.database
    credentials = LakeCredentials(
        ALIAS, metadata_schema=address.schema, catalog=catalog, storage=str(work_dir)
    )
    credentials.statements = list(address.statements())
    spill = work_dir / f"spill-{uuid4().hex}"
    credentials.global_config = {**OFFLINE, "temp_directory": str(spill), **limits}
    return Lake(credentials, destination_name="ducklake")

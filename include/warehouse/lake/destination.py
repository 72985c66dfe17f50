"""dlt's destination for a lake.

dlt's own `ducklake` opens a new DuckDB for each of the dozens of times that it connects in a load,
and puts the catalog's password into the statement that attaches. This one keeps one DuckDB, to
which the lake is attached once.
"""

from pathlib import Path
from typing import Any, cast
from uuid import uuid4

from dlt.common.configuration.specs import ConnectionStringCredentials
from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.schema import Schema
from dlt.destinations import ducklake
from dlt.destinations.impl.duckdb.configuration import DuckDbConnectionPool
from dlt.destinations.impl.duckdb.duck import DuckDbClient
from dlt.destinations.impl.ducklake.configuration import (
    DuckLakeClientConfiguration,
    DuckLakeCredentials,
)
from dlt.destinations.impl.ducklake.ducklake import DuckLakeClient
from dlt.destinations.impl.ducklake.sql_client import DuckLakeSqlClient
from duckdb import CatalogException, DuckDBPyConnection

from include.warehouse.lake.address import ALIAS, LakeAddress
from include.warehouse.lake.attaching import OFFLINE


class LakePool(DuckDbConnectionPool):
    """Connections that share one DuckDB, which lives as long as the pool.

    dlt's own closes it whenever nobody has a connection, which between two jobs of a load is always
    so: half of a load's time was loading extensions and attaching the lake.
    """

    def borrow_conn(self, *args: Any, **kwargs: Any) -> DuckDBPyConnection:  # noqa: ANN401 - dlt's own
        """Return a connection; the first one is borrowed twice, and that copy is kept."""
        if self._conn is None:
            self._kept = super().borrow_conn(*args, **kwargs)
        return super().borrow_conn(*args, **kwargs)


class LakeSqlClient(DuckLakeSqlClient):
    """Connections to the one DuckDB, in which the lake is attached."""

    pool: LakePool

    def open_connection(self) -> DuckDBPyConnection:
        """Return a connection in which names are looked up in the dataset."""
        self._conn = self.pool.borrow_conn(pragmas=self._pragmas, global_config=self._global_config)
        try:
            self._conn.execute(f"SET search_path = '{self.fully_qualified_dataset_name()}'")
        except CatalogException:  # the dataset is about to be made
            self._conn.execute(f"USE {ALIAS}")
        return self._conn

    def close_connection(self) -> None:
        """Give the connection back; the lake stays attached for the others."""
        if self._conn is not None:
            self.pool.return_conn(self._conn)
            self._conn = None  # type: ignore[assignment]


class LakeClient(DuckLakeClient):
    """What dlt loads through."""

    sql_client: LakeSqlClient

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
    """The destination.

    Args:
        credentials: What opens the lake.
    """

    def __init__(self, credentials: DuckLakeCredentials) -> None:
        super().__init__(credentials, destination_name="ducklake")
        self._pool = LakePool(credentials)

    def client(self, schema: Schema, initial_config: Any = None) -> DuckLakeClient:  # noqa: ANN401 - dlt's own
        """Return what a job loads through: credentials are resolved for each, the pool stays."""
        client = super().client(schema, initial_config)
        cast("LakeClient", client).sql_client.pool = self._pool
        return client

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
    credentials = DuckLakeCredentials(
        ALIAS, metadata_schema=address.schema, catalog=catalog, storage=str(work_dir)
    )
    credentials.statements = list(address.statements())
    spill = work_dir / f"spill-{uuid4().hex}"
    credentials.global_config = {**OFFLINE, "temp_directory": str(spill), **limits}
    return Lake(credentials)

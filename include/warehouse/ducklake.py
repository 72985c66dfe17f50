"""A connection's warehouse in a lake of its own.

A lake's catalog holds values of its tables (the least and the largest one of each column and file),
and DuckDB's statements to forget them leave them there. So no two connections share a lake: one has
a schema in Postgres and a prefix in the store to itself, and deleting its data is deleting those.
"""

import logging
from typing import TYPE_CHECKING

import duckdb as engine

from include.files import NotDeleted
from include.settings import Settings
from include.warehouse.errors import LakeUnreachable
from include.warehouse.lake.address import ALIAS, LakeAddress
from include.warehouse.lake.attaching import attached
from include.warehouse.lake.catalog import MARK as SCHEMA_MARK
from include.warehouse.lake.catalog import Catalog
from include.warehouse.lake.compacting import compact
from include.warehouse.lake.objects import MARK as FILE_MARK
from include.warehouse.lake.objects import Objects
from include.warehouse.limits import LAKE_LIMITS, ROW_GROUP

if TYPE_CHECKING:
    from include.warehouse.lake.destination import Lake

log = logging.getLogger(__name__)


class DuckLake:
    """The warehouse of one connection, with the schemas `raw`, `staging` and `marts`.

    Args:
        settings: Where lakes are.
        connection_id: Opaque id of the connection; names the catalog's schema and the data.
    """

    def __init__(self, settings: Settings, connection_id: str) -> None:
        self._settings = settings
        self._connection_id = connection_id
        self._address = LakeAddress.of(settings, connection_id)
        self._work_dir = settings.work_dir(connection_id)
        self._catalog = Catalog(self._address)
        self._objects = Objects(self._address)

    def dlt_destination(self) -> "Lake":
        """Return the destination for dlt to load into; see `backend.Warehouse`."""
        # Takes seconds to import, and the DAG file, which only needs to know the place, is parsed
        # all day.
        from include.warehouse.lake.destination import lake_destination  # noqa: PLC0415

        self._objects.mark()
        self._catalog.mark()
        self._make()
        self._catalog.keep_from_samples()
        return lake_destination(self._address, self._work_dir, dict(LAKE_LIMITS))

    def _make(self) -> None:
        """Make the lake if need be: here and nowhere else, so that no late writer can do it."""
        try:
            with attached(self._address, self._work_dir, create=True) as lake:
                lake.execute(f"CALL {ALIAS}.set_option('parquet_row_group_size', {ROW_GROUP})")
        except engine.Error as failure:
            raise LakeUnreachable(
                f"The lake cannot be opened ({type(failure).__name__}): check the variables that "
                "begin with CORVANA_LAKE (docs/warehouse.md), and that this user may create "
                "schemas in the database of the catalogs."
            ) from None

    is_near = False

    def environment(self) -> dict[str, str]:
        """Return what another process finds it by, secrets included; see `backend.Warehouse`."""
        current = self._settings
        lake = {
            "LAKE_CATALOG_URL": current.lake_catalog_url,
            "LAKE_STORAGE": current.lake_storage,
            "LAKE_S3_ENDPOINT": current.lake_s3_endpoint,
            "LAKE_S3_REGION": current.lake_s3_region,
            "LAKE_S3_ACCESS_KEY_ID": current.lake_s3_access_key_id,
            "LAKE_S3_SECRET_ACCESS_KEY": current.lake_s3_secret_access_key,
            "LAKE_S3_USE_SSL": current.lake_s3_use_ssl,
        }
        return {
            "CORVANA_WAREHOUSE_BACKEND": "ducklake",
            "CORVANA_WAREHOUSE": self._connection_id,
            **{
                f"CORVANA_{name}": _plain(value)
                for name, value in lake.items()
                if value is not None
            },
        }

    def attach(self, database: engine.DuckDBPyConnection, name: str) -> None:
        """Attach the lake to a DuckDB; see `backend.Warehouse`."""
        for statement in self._address.statements(alias=name):
            database.execute(statement)

    def exists(self) -> bool:
        """Whether something was loaded; see `backend.Warehouse`."""
        return self._catalog.exists()

    def discard_if_empty(self) -> None:
        """Delete the lake if it never had a table; see `backend.Warehouse`."""
        try:
            if self._catalog.exists() and self._catalog.is_empty():
                self.destroy()
        except (LakeUnreachable, NotDeleted):
            return

    def open_for_reading(self) -> engine.DuckDBPyConnection:
        """Return a connection in which the schemas can be read; see `backend.Warehouse`."""
        return attached(self._address, self._work_dir, read_only=True)

    def compact(self) -> None:
        """Merge small files, and forget what was replaced; see `backend.Warehouse`."""
        try:
            with attached(self._address, self._work_dir, limits=LAKE_LIMITS) as lake:
                compact(lake)
        except engine.Error as failure:
            log.warning(
                "the lake was not compacted (%s); it is tried again", type(failure).__name__
            )

    def elsewhere(self) -> str | None:
        """Tell what speaks against lakes being here; see `backend.Warehouse`."""
        if not self._catalog.is_marked():
            return (
                "there are no lakes' catalogs in the database of CORVANA_LAKE_CATALOG_URL: check "
                "that it is the one that was loaded into. If it was emptied by hand, say so there: "
                f"create schema {SCHEMA_MARK}"
            )
        if not self._objects.is_marked():
            return (
                "there is no lakes' data in CORVANA_LAKE_STORAGE: check that it is the place that "
                "was loaded into, and mounted where the purge runs. If it was emptied by hand, say "
                f"so: make an empty file {FILE_MARK} in it"
            )
        return None

    def measure(self) -> dict[str, int]:
        """Return what there is; see `backend.Warehouse`.

        Raises:
            LakeUnreachable: The catalog or the store cannot be asked.
        """
        return self._objects.measure() | self._catalog.measure()

    def destroy(self) -> None:
        """Delete all of it; see `backend.Warehouse`.

        The catalog first: from then on nobody can commit anything.

        Raises:
            LakeUnreachable: The catalog or the store cannot be asked.
            NotDeleted: Something is left.
        """
        self._catalog.drop()
        self._objects.remove()
        if self._catalog.exists():
            raise NotDeleted("The lake's catalog is there again: something still writes into it.")


def _plain(value: object) -> str:
    secret = getattr(value, "get_secret_value", None)
    return str(secret() if secret else value)

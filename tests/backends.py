"""Where the tests' warehouses are: DuckDB files, or lakes with `pytest --warehouse=ducklake`."""

import os
from hashlib import blake2b
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from include.settings import Settings
from include.warehouse.backend import warehouse_of
from include.warehouse.lake.address import LakeAddress
from include.warehouse.lake.attaching import attached

CATALOGS = "TESTS_CATALOGS"
"""Variable with the address of a Postgres for the catalogs, which processes of tests inherit."""

BACKEND = "TESTS_WAREHOUSE"
"""Variable with the backend."""

in_lakes = os.environ.get(BACKEND) == "ducklake"

DATA = "lakes" if in_lakes else "warehouse"
"""The folder in the data folder with the warehouses' data; a lake's catalog is elsewhere."""

only_files = pytest.mark.skipif(in_lakes, reason="about what can happen to a DuckDB file")


def settings_in(folder: Path, **options: Any) -> Settings:
    """Return settings with a data folder, and with warehouses where this run has them."""
    server = os.environ.get(CATALOGS)
    return (
        lake_settings(folder, server, **options) if server else Settings(data_dir=folder, **options)
    )


def lake_settings(folder: Path, server: str, **options: Any) -> Settings:
    """Return settings with lakes, whose catalogs are in a database for the data folder alone.

    Args:
        folder: The data folder; the lakes' data is in it, too.
        server: Address of a Postgres, which ends with the name of any database.
        options: Other settings.
    """
    name = f"t{blake2b(str(folder).encode(), digest_size=8).hexdigest()}"
    with psycopg.connect(server, autocommit=True) as connected:
        known = connected.execute("select 1 from pg_database where datname = %s", [name])
        if known.fetchone() is None:
            connected.execute(f'create database "{name}"')
    lake = {
        "warehouse_backend": "ducklake",
        "lake_catalog_url": f"{server.rpartition('/')[0]}/{name}",
        "lake_storage": str(folder / "lakes"),
    }
    return Settings(**{"data_dir": folder, **lake, **options})


def variables(settings: Settings) -> dict[str, str]:
    """Return the variables that make a process have the same warehouses."""
    found = warehouse_of(settings, "none").environment()
    found.pop("CORVANA_WAREHOUSE")
    return found | {"CORVANA_DATA_DIR": str(settings.data_dir)}


def writing(settings: Settings, connection_id: str) -> duckdb.DuckDBPyConnection:
    """Return a connection that writes into a warehouse, which is made if need be."""
    if settings.warehouse_backend == "ducklake":
        warehouse = warehouse_of(settings, connection_id)
        if not warehouse.exists():
            warehouse.dlt_destination()
        address = LakeAddress.of(settings, connection_id)
        return attached(address, settings.work_dir(connection_id))
    settings.warehouse_dir.mkdir(parents=True, exist_ok=True)
    return duckdb.connect(str(settings.warehouse_dir / f"{connection_id}.duckdb"))

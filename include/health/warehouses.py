"""Whether the place of the warehouses can be reached; the warehouses themselves stay closed."""

import os
import time
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy.engine import make_url

from include.health.http import latency
from include.health.model import Finding, Status
from include.settings import Settings

CONNECT_S = 3


def look_at_warehouses(current: Settings, figures: Mapping[str, float]) -> Finding:
    """Return what is seen of the backend.

    Args:
        current: The application's settings.
        figures: What is known of the data folder, which can be written.
    """
    if current.warehouse_backend == "duckdb":
        return Finding(Status.HEALTHY, "The data folder can be written.", figures)
    catalog = _catalog_latency(current)
    if catalog is None:
        return Finding(
            Status.UNHEALTHY,
            "The database of the lakes' catalogs does not answer, or refuses: check that it runs, "
            "and CORVANA_LAKE_CATALOG_URL.",
            figures,
        )
    figures = {**figures, "catalog_seconds": round(catalog, 4)}
    storage = _storage_latency(current)
    if storage is None:
        return Finding(
            Status.UNHEALTHY,
            "Where the lakes' data is cannot be reached or written: check CORVANA_LAKE_STORAGE "
            "and, for an object store, CORVANA_LAKE_S3_ENDPOINT.",
            figures,
        )
    figures = {**figures, "storage_seconds": round(storage, 4)}
    return Finding(Status.HEALTHY, "Catalogs and data of the lakes can be reached.", figures)


def _catalog_latency(current: Settings) -> float | None:
    # Of the extra `cluster`, as all of this backend.
    import psycopg  # noqa: PLC0415

    if current.lake_catalog_url is None:
        return None
    url = make_url(current.lake_catalog_url.get_secret_value()).set(drivername="postgresql")
    began = time.monotonic()
    try:
        with psycopg.connect(
            url.render_as_string(hide_password=False), connect_timeout=CONNECT_S
        ) as catalogs:
            catalogs.execute("select 1")
    except psycopg.OperationalError:
        return None
    return time.monotonic() - began


def _storage_latency(current: Settings) -> float | None:
    """Return how long the storage takes to answer; keys are not used, and not checked."""
    storage = current.lake_storage or ""
    if not storage.startswith("s3://"):
        return 0.0 if os.access(Path(storage), os.W_OK) else None
    endpoint = current.lake_s3_endpoint or f"s3.{current.lake_s3_region}.amazonaws.com"
    bucket = storage.removeprefix("s3://").split("/")[0]
    return latency(f"{'https' if current.lake_s3_use_ssl else 'http'}://{endpoint}/{bucket}")

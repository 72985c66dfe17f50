"""What the tasks of a connection's DAG do, as plain functions of the connection's id.

They know Airflow only by what it wants of a task: secrets to mask, and exceptions that fail a task
for good or let it be retried. Nothing that they return, log or raise holds anything collected.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from airflow.sdk.exceptions import AirflowException, AirflowFailException
from airflow.sdk.log import mask_secret

from dlt_sources.sentry.client import Client
from dlt_sources.sentry.errors import ConnectionLost, Fatal, LoadFailed, Retryable
from include.connections.registry import UnknownConnection, open_registry
from include.connections.vault import InvalidKey, VaultLocked
from include.settings import DataDirUnusable, InvalidSettings, Settings, settings
from include.transform.build import BuildFailed
from include.transform.build import build as build_marts
from include.warehouse.duckdb_file import DuckDBFile
from include.warehouse.publishing import publish as publish_marts

log = logging.getLogger(__name__)


class NothingLoaded(Exception):
    """The connection has no warehouse yet."""


class LoadUnfinished(Exception):
    """The warehouse holds parts of a load that was cut off."""


_FOR_GOOD = (
    ConnectionLost,
    DataDirUnusable,
    Fatal,
    InvalidKey,
    InvalidSettings,
    LoadUnfinished,
    NothingLoaded,
    UnknownConnection,
    VaultLocked,
)
_FOR_NOW = (Retryable, LoadFailed, BuildFailed)


def load(connection_id: str) -> None:
    """Load what changed in Sentry since the last load into the connection's warehouse."""
    # dlt takes seconds to import: here and not above, where every parse of the DAG file would pay.
    from dlt_sources.sentry.pipeline import run_load  # noqa: PLC0415

    with _airflow_failures():
        current = settings()
        registry = open_registry(current)
        connection = registry.get(connection_id)
        secrets = registry.secrets(connection_id)
        mask_secret(secrets.token)
        with Client(
            connection.base_url,
            connection.organization,
            secrets.token,
            max_requests_per_second=current.sentry_max_requests_per_second,
        ) as client:
            summary = run_load(
                run_id=uuid4().hex,
                client=client,
                salt=secrets.salt,
                destination=DuckDBFile(current.warehouse_dir, connection_id).dlt_destination(),
                work_dir=current.work_dir(connection_id),
                concurrency=current.sentry_concurrency,
            )
    for line in summary.lines():
        log.info("%s", line)


def build(connection_id: str) -> None:
    """Build and test the connection's marts with dbt."""
    with _airflow_failures():
        current = settings()
        warehouse = _warehouse(current, connection_id)
        if warehouse.has_unfinished_load():
            raise LoadUnfinished("The last load was cut off: run the task `load` again first.")
        build_marts(warehouse.path, current.work_dir(connection_id), current.data_dir / "dbt")


def publish(connection_id: str) -> None:
    """Publish the connection's marts for readers."""
    with _airflow_failures():
        current = settings()
        warehouse = _warehouse(current, connection_id)
        rows = publish_marts(warehouse.path, current.published_dir, connection_id)
    for mart, count in rows.items():
        log.info("published %-32s %9s rows", mart, f"{count:,}")


def _warehouse(current: Settings, connection_id: str) -> DuckDBFile:
    """Return the connection's warehouse.

    Raises:
        NothingLoaded: There is none yet.
    """
    warehouse = DuckDBFile(current.warehouse_dir, connection_id)
    if not warehouse.path.exists():
        raise NothingLoaded("Nothing was loaded yet: run the task `load` first.")
    return warehouse


@contextmanager
def _airflow_failures() -> Iterator[None]:
    """Turn our failures into Airflow's: for good, where retrying cannot help.

    Raised `from None`, so that the task's log ends with our sentence alone.
    """
    try:
        yield
    except _FOR_GOOD as failure:
        raise AirflowFailException(str(failure)) from None
    except _FOR_NOW as failure:
        raise AirflowException(str(failure)) from None

"""What the tasks of a connection's DAG do, as plain functions of the connection's id.

They know Airflow only by what it wants of a task: secrets to mask, and exceptions that fail a task
for good, skip it, or let it be retried. Nothing that they return, log or raise holds anything
collected.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException
from airflow.sdk.log import mask_secret

from include import loading
from include.connections.registry import open_registry
from include.continuing import LIMIT, goes_on
from include.days import NONE, days, in_words
from include.locks import exclusive
from include.progress import Lines
from include.settings import Settings, settings
from include.transform.build import BuildFailed
from include.transform.build import build as build_marts
from include.warehouse.duckdb_file import DuckDBFile
from include.warehouse.publishing import publish as publish_marts

log = logging.getLogger(__name__)


class NothingLoaded(Exception):
    """The connection has no warehouse yet."""


class LoadUnfinished(Exception):
    """The warehouse holds parts of a load that was cut off."""


_FOR_GOOD = (*loading.FOR_GOOD, LoadUnfinished, NothingLoaded)
_FOR_NOW = (*loading.FOR_NOW, BuildFailed)


def load(connection_id: str, params: Mapping[str, Any] | None = None) -> None:
    """Load what changed in Sentry, and history that waits, into the connection's warehouse.

    Args:
        connection_id: The connection.
        params: The run's parameters: `from` and `to` are days of history to load again.
    """
    with _airflow_failures():
        asked = params or {}
        again = days(asked.get("from"), asked.get("to"))
        if again != NONE:
            log.info("loading the history %s again", in_words(again))
        current = settings()
        registry = open_registry(current)
        secrets = registry.secrets(connection_id)
        mask_secret(secrets.token)
        summary = loading.load(
            current,
            registry.get(connection_id),
            secrets,
            again=again,
            requests_per_second=current.sentry_max_requests_per_second,
            until_done=False,
            watch=Lines(partial(log.info, "%s")).watch,
        )
    for line in summary.lines():
        log.info("%s", line)
    log.info("%s%s", loading.IN_SHORT, loading.in_short(summary))


def build(connection_id: str) -> None:
    """Build and test the connection's marts with dbt."""
    with _airflow_failures(), _warehouse(connection_id) as (current, warehouse):
        if warehouse.has_unfinished_load():
            raise LoadUnfinished("The last load was cut off: run the task `load` again first.")
        build_marts(warehouse.path, current.work_dir(connection_id), current.data_dir / "dbt")


def publish(connection_id: str) -> None:
    """Publish the connection's marts for readers."""
    with _airflow_failures(), _warehouse(connection_id) as (current, warehouse):
        rows = publish_marts(warehouse.path, current.published_dir, connection_id)
    for mart, count in rows.items():
        log.info("published %-32s %9s rows", mart, f"{count:,}")


def skip_unless_history_waits(connection_id: str) -> None:
    """Skip the task unless the connection is to be loaded again at once (`continuing`)."""
    with _airflow_failures(), _warehouse(connection_id) as (_, warehouse):
        if not goes_on(warehouse.latest_loads(LIMIT)):
            raise AirflowSkipException("No history waits to be read at once.")
    log.info("older history is still to be read: the next run starts at once")


@contextmanager
def _warehouse(connection_id: str) -> Iterator[tuple[Settings, DuckDBFile]]:
    """Yield the connection's warehouse, and keep everybody else away from it.

    Raises:
        NothingLoaded: There is none yet.
    """
    current = settings()
    warehouse = DuckDBFile(current.warehouse_dir, connection_id)
    if not warehouse.path.exists():
        raise NothingLoaded("Nothing was loaded yet: run the task `load` first.")
    with exclusive(current.lock_path(connection_id)):
        yield current, warehouse


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

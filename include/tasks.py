"""What the tasks of a connection's DAG do, as plain functions of the connection's id.

They know Airflow only by what it wants of a task: secrets to mask, and exceptions that fail a task
for good, skip it, or let it be retried. Nothing that they return, log or raise holds anything
collected.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from airflow.sdk.exceptions import AirflowSkipException

from include import lineage, loading, metrics
from include.airflow_failures import as_airflows
from include.connections.leases import Fenced, Kind, Lease
from include.connections.registry import Registry, open_registry
from include.connections.reports import Step
from include.continuing import LIMIT, goes_on
from include.days import NONE, days, in_words
from include.masking import hide
from include.progress import Lines
from include.report.beside import Beside
from include.report.failures import ReportFailed
from include.reporting import Reporter
from include.settings import Settings, settings
from include.transform.build import BuildFailed
from include.transform.build import build as build_marts
from include.warehouse.backend import Warehouse, warehouse_of
from include.warehouse.past_loads import has_unfinished_load, latest_loads
from include.warehouse.publishing import publish as publish_marts

log = logging.getLogger(__name__)


class NothingLoaded(Exception):
    """The connection has no warehouse yet."""


class LoadUnfinished(Exception):
    """The warehouse holds parts of a load that was cut off."""


_FOR_GOOD = (*loading.FOR_GOOD, LoadUnfinished, NothingLoaded)
_FOR_NOW = (*loading.FOR_NOW, BuildFailed, ReportFailed)

# A connection that is not connected (any more) is no failure.
_airflow_failures = partial(as_airflows, skipped=(Fenced,), for_good=_FOR_GOOD, for_now=_FOR_NOW)


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
        summary = loading.load(
            current,
            registry,
            registry.get(connection_id),
            again=again,
            requests_per_second=current.sentry_max_requests_per_second,
            until_done=False,
            watch=Lines(partial(log.info, "%s")).watch,
            conceal=hide,
        )
    metrics.loaded(connection_id, summary)
    lineage.loaded(connection_id)
    for line in summary.lines():
        log.info("%s", line)
    log.info("%s%s", loading.IN_SHORT, loading.in_short(summary))


def build(connection_id: str) -> None:
    """Build and test the connection's marts with dbt."""
    with _airflow_failures(), _step(connection_id, Kind.BUILD) as at, _reporting(at, Step.BUILD):
        if has_unfinished_load(at.warehouse):
            raise LoadUnfinished("The last load was cut off: run the task `load` again first.")
        work_dir = at.settings.work_dir(connection_id)
        build_marts(at.warehouse, work_dir, at.settings.data_dir / "dbt", at.lease.check)
        at.warehouse.compact()
    lineage.built(connection_id)


def publish(connection_id: str) -> None:
    """Publish the connection's marts for readers, and the report of them."""
    with (
        _airflow_failures(),
        _step(connection_id, Kind.PUBLISH) as at,
        _reporting(at, Step.PUBLISH) as reporter,
    ):
        grace = timedelta(minutes=at.settings.published_grace_minutes)
        published = at.settings.published_dir
        beside = Beside(at.registry.get(connection_id).name)
        rows = publish_marts(
            at.warehouse,
            published,
            connection_id,
            grace,
            check=at.lease.check,
            accompany=beside,
        )
        reporter.published(rows)
    metrics.published(connection_id, rows)
    lineage.published(connection_id, rows)
    for mart, count in rows.items():
        log.info("published %-32s %9s rows", mart, f"{count:,}")
    with _airflow_failures():
        beside.check()


def skip_unless_history_waits(connection_id: str) -> None:
    """Skip the task unless the connection is to be loaded again at once (`continuing`)."""
    with _airflow_failures(), _step(connection_id, Kind.LOOK) as at:
        if not goes_on(latest_loads(at.warehouse, LIMIT)):
            raise AirflowSkipException("No history waits to be read at once.")
    log.info("older history is still to be read: the next run starts at once")


@dataclass(frozen=True, slots=True)
class _At:
    """What a task works with.

    Attributes:
        settings: The application's.
        registry: The connections.
        connection_id: The one that is worked on.
        warehouse: Its warehouse.
        lease: The right to work on it, which ends when it is disconnected.
    """

    settings: Settings
    registry: Registry
    connection_id: str
    warehouse: Warehouse
    lease: Lease


@contextmanager
def _step(connection_id: str, kind: Kind) -> Iterator[_At]:
    """Yield the connection's warehouse, and keep everybody else away from it.

    Raises:
        NothingLoaded: There is none yet.
    """
    current = settings()
    registry = open_registry(current)
    registry.get(connection_id)
    with registry.leases.held(connection_id, kind) as lease, lease.explaining(AirflowSkipException):
        warehouse = warehouse_of(current, connection_id)
        if not warehouse.exists():
            raise NothingLoaded("Nothing was loaded yet: run the task `load` first.")
        yield _At(current, registry, connection_id, warehouse, lease)


@contextmanager
def _reporting(at: _At, step: Step) -> Iterator[Reporter]:
    """Report how a step goes and how long it takes, and yield what does so."""
    in_sentences = (*_FOR_GOOD, *_FOR_NOW)
    reporter = Reporter(at.registry.reports, at.connection_id, step, in_sentences)
    with reporter.reporting(), metrics.timed(step, at.connection_id):
        yield reporter

"""Metrics of ours beside Airflow's, by StatsD or OpenTelemetry as `[metrics]` in Airflow says.

Without that nothing is sent. Names hold no id; where tags are sent, `connection` is the opaque one.
docs/runbook.md lists them.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from airflow.sdk.observability import stats

if TYPE_CHECKING:
    from dlt_sources.sentry.pipeline import LoadSummary


def loaded(connection_id: str, summary: "LoadSummary") -> None:
    """Send what a load did and how long it took."""
    tags = {"connection": connection_id}
    stats.timing("corvana.load.duration", timedelta(seconds=summary.seconds), tags=tags)
    stats.timing("corvana.load.waited", timedelta(seconds=summary.waited_s), tags=tags)
    stats.incr("corvana.load.requests", summary.requests, tags=tags)
    stats.incr("corvana.load.issues", summary.issues_read, tags=tags)


def published(connection_id: str, rows: Mapping[str, int]) -> None:
    """Send how many rows were published."""
    stats.incr("corvana.publish.rows", sum(rows.values()), tags={"connection": connection_id})


@contextmanager
def timed(step: str, connection_id: str) -> Iterator[None]:
    """Send how long a step took, if it ends well.

    Args:
        step: `build`, `publish` or `purge`.
        connection_id: The connection.
    """
    began = time.monotonic()
    yield
    took = timedelta(seconds=time.monotonic() - began)
    stats.timing(f"corvana.{step}.duration", took, tags={"connection": connection_id})


def connections(by_state: Mapping[str, int], overdue_s: float, purge_pending_s: float) -> None:
    """Send how all connections are.

    Args:
        by_state: Connections in each state.
        overdue_s: Seconds for which the longest overdue load has been due.
        purge_pending_s: Seconds since the oldest disconnect whose data is not deleted yet.
    """
    for state, count in by_state.items():
        stats.gauge(f"corvana.connections.{state}", count)
    stats.gauge("corvana.loads.overdue_seconds", overdue_s)
    stats.gauge("corvana.purges.pending_seconds", purge_pending_s)

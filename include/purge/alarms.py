"""The alarm: a connection's data should be gone, and is not."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from include.connections.registry import Registry, open_registry
from include.connections.states import State
from include.settings import settings

log = logging.getLogger(__name__)

LIMITS = (timedelta(hours=12), timedelta(hours=24))
"""After these an operator is told; within the second one everything is promised to be gone."""


def overdue(registry: Registry, now: datetime, limit: timedelta = LIMITS[0]) -> list[str]:
    """Return a sentence for each connection that was disconnected so long ago and is not purged."""
    promised = LIMITS[1] // timedelta(hours=1)
    return [
        f"The connection {one.id} was disconnected {(now - one.changed_at) // timedelta(hours=1)} "
        f"hours ago, and its data is not deleted yet: it has to be within {promised} hours. The "
        "logs of the DAG sentry_purge say what is in the way; docs/purge.md says what to do."
        for one in registry.in_state(State.DISCONNECTING)
        if now - one.changed_at >= limit
    ]


async def purge_is_late(hours: float, context: dict[str, Any] | None = None) -> None:  # noqa: ARG001 - Airflow gives it
    """Raise the alarm if anything is overdue: what the deadlines of `sentry_purge` call.

    It runs in Airflow's triggerer. A run that failed keeps its deadline, so the registry decides.

    Args:
        hours: The deadline's.
        context: Airflow's; not needed.

    Raises:
        OverdueData: Something is: Airflow shows the callback as failed.
    """
    sentences = await asyncio.to_thread(_overdue, timedelta(hours=hours))
    for sentence in sentences:
        log.critical("%s", sentence)
    if sentences:
        raise OverdueData(" ".join(sentences))


class OverdueData(Exception):
    """Data is not deleted although it should be."""


def _overdue(limit: timedelta) -> list[str]:
    # A little earlier: the run, whose deadline this is, was queued after the disconnect.
    return overdue(open_registry(settings()), datetime.now(UTC), limit - timedelta(minutes=1))

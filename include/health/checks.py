"""The checks: each looks at one thing and says how it is."""

import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from sqlalchemy import text

from include.connections.models import REVISION
from include.connections.registry import Registry, open_registry
from include.connections.states import State
from include.health.http import latency
from include.health.model import Finding, Status
from include.health.overdue import overdue_loads
from include.health.warehouses import look_at_warehouses
from include.settings import Settings, settings

SLOW_S = 1.0
"""A registry that takes longer for the smallest question holds up everything."""

ROOM = 2**30
"""Bytes of free disk space below which somebody should make some."""

AT_ONCE = 32
"""Sentry servers that are asked at once."""

PURGE_SLOW = timedelta(hours=1)
"""A purge takes minutes; one that takes longer is stuck."""

PURGE_LATE = timedelta(hours=12)
"""Half of the time within which everything is promised to be gone."""


def registry() -> Finding:
    """Look at the registry: whether it answers, with the tables that the code expects."""
    database = _registry(settings()).database
    began = time.monotonic()
    with database.reading() as session:
        revision = session.scalar(text("select version_num from alembic_version"))
    took = time.monotonic() - began
    figures = {"latency_seconds": round(took, 4)}
    if revision != REVISION:
        return Finding(
            Status.UNHEALTHY,
            f"The registry's tables are of revision {revision}, and the code needs {REVISION}: "
            "restart what runs another version.",
            figures,
        )
    if took > SLOW_S:
        return Finding(
            Status.DEGRADED, "The registry answers slowly: look at its database's load.", figures
        )
    return Finding(Status.HEALTHY, f"The registry answers; its tables are {revision}.", figures)


def warehouse() -> Finding:
    """Look at where the data is: whether it can be written, and whether there is room."""
    current = settings()
    folder = current.usable_data_dir()
    free = shutil.disk_usage(folder).free
    figures = {"free_bytes": free}
    if free < ROOM:
        return Finding(
            Status.DEGRADED,
            f"The data folder has only {free / 2**20:,.0f} MiB left: make room, or loads and "
            "purges will fail.",
            figures,
        )
    return look_at_warehouses(current, figures)


def sentry() -> Finding:
    """Look whether Sentry answers, without a token, at each server that is connected."""
    connected = _registry(settings()).in_state(State.CONNECTED)
    servers = sorted({one.base_url for one in connected})
    if not servers:
        return Finding(Status.HEALTHY, "No organization is connected.", {"servers": 0})
    with ThreadPoolExecutor(AT_ONCE) as pool:
        roots = [f"{server}/api/0/" for server in servers]
        latencies = dict(zip(servers, pool.map(latency, roots), strict=True))
    silent = [server for server, took in latencies.items() if took is None]
    figures = {
        "servers": len(servers),
        "unreachable": len(silent),
        "slowest_seconds": round(max((one for one in latencies.values() if one), default=0.0), 3),
    }
    if silent:
        return Finding(
            Status.DEGRADED,
            f"{', '.join(silent)} cannot be reached from here. Loads go on by themselves when it "
            "can; check network and proxy if Sentry's status page knows nothing of it.",
            figures,
        )
    return Finding(Status.HEALTHY, "Sentry answers.", figures)


def loads() -> Finding:
    """Look whether each connection's marts are as recent as its schedule wants."""
    current, now = settings(), datetime.now(UTC)
    opened = _registry(current)
    overdue = overdue_loads(opened, timedelta(hours=current.load_tolerance_hours), now)
    figures = {
        "connected": len(opened.in_state(State.CONNECTED)),
        "overdue": len(overdue),
        "oldest_overdue_seconds": round((now - overdue[0].due).total_seconds()) if overdue else 0,
    }
    if overdue:
        return Finding(
            Status.DEGRADED,
            f"{len(overdue):,} connections are overdue, {overdue[0].connection_id} since "
            f"{overdue[0].due:%Y-%m-%d %H:%M} UTC. The page Integrations says for each what is in "
            "the way.",
            figures,
        )
    return Finding(Status.HEALTHY, "No connection is overdue.", figures)


def purges() -> Finding:
    """Look whether what has to be deleted is deleted in time."""
    now = datetime.now(UTC)
    pending = _registry(settings()).in_state(State.DISCONNECTING)
    oldest = max((now - one.changed_at for one in pending), default=timedelta())
    figures = {"pending": len(pending), "oldest_pending_seconds": round(oldest.total_seconds())}
    if oldest <= PURGE_SLOW:
        return Finding(Status.HEALTHY, "No purge is late.", figures)
    return Finding(
        Status.UNHEALTHY if oldest > PURGE_LATE else Status.DEGRADED,
        f"A purge is not done after {oldest / timedelta(hours=1):.1f} hours, and has to be within "
        "24. The logs of the DAG sentry_purge say what is in the way.",
        figures,
    )


@lru_cache(maxsize=1)
def _registry(current: Settings) -> Registry:
    """Return the registry, opened once it can be."""
    return open_registry(current)

"""What is wrong with connections, found out again and again, and told once."""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from airflow.sdk import BaseNotifier, Context
from sqlalchemy.exc import SQLAlchemyError

from include import metrics
from include.airflow_failures import WRONG_SETUP, as_airflows
from include.connections.incidents import Incident, Incidents, Kind
from include.connections.registry import Registry, UnknownConnection, open_registry
from include.connections.states import State
from include.health.overdue import overdue_loads
from include.notifying import notify
from include.purge.alarms import LIMITS
from include.settings import DataDirUnusable, Settings, settings

log = logging.getLogger(__name__)

QUIET = timedelta(minutes=15)
"""After a message about a failed load, others wait for the next round: where Sentry is down for
all, nobody wants a message for each connection."""


_airflow_failures = partial(
    as_airflows, skipped=(), for_good=WRONG_SETUP, for_now=(DataDirUnusable,)
)


@_airflow_failures()
def measure() -> None:
    """Send how all connections are to Airflow's metrics."""
    current = settings()
    registry, now = open_registry(current), datetime.now(UTC)
    overdue = overdue_loads(registry, timedelta(hours=current.load_tolerance_hours), now)
    states = Counter(one.state for one in registry.all())
    pending = [now - one.changed_at for one in registry.in_state(State.DISCONNECTING)]
    metrics.connections(
        {state: states[state] for state in State if state is not State.PURGED},
        overdue_s=max(((now - one.due).total_seconds() for one in overdue), default=0.0),
        purge_pending_s=max((waited.total_seconds() for waited in pending), default=0.0),
    )


@_airflow_failures()
def tell() -> None:
    """Find out what is wrong, and tell of what nobody was told of yet."""
    current = settings()
    if not current.notify:
        log.info("nobody is to be told: CORVANA_NOTIFY is not set")
        return
    registry, now = open_registry(current), datetime.now(UTC)
    incidents = Incidents(registry.database)
    before = incidents.all()
    incidents.settle(before, list(_seen(current, registry, before, now)))
    _tell(current, incidents, now)


class LoadFailed(BaseNotifier):
    """Notes that a task of a connection's DAG failed for good, and tells of it.

    Args:
        connection_id: The connection.
    """

    def __init__(self, connection_id: str) -> None:
        super().__init__()
        self._connection_id = connection_id

    def notify(self, context: Context) -> None:  # noqa: ARG002 - Airflow gives it
        """Tell of it, unless somebody was told of something just now; then the next round does.

        What goes wrong here fails nothing: the round finds the connection overdue, later.
        """
        try:
            _note_failure(self._connection_id, datetime.now(UTC))
        except (SQLAlchemyError, UnknownConnection) as failure:
            log.warning("the failure could not be noted (%s)", type(failure).__name__)


def _note_failure(connection_id: str, now: datetime) -> None:
    current = settings()
    if not current.notify:
        return
    registry = open_registry(current)
    connection = registry.get(connection_id)
    incidents = Incidents(registry.database)
    if connection.state is State.CONNECTED:
        incidents.open(Incident(connection_id, Kind.FAILED, now))
    elif connection.state is State.DISCONNECTED:
        incidents.open(Incident(connection_id, Kind.LOST, connection.changed_at))
    last = incidents.last_told()
    if last is None or now - last > QUIET:
        _tell(current, incidents, now)


def _tell(current: Settings, incidents: Incidents, now: datetime) -> None:
    claimed = incidents.claim(now)
    if not claimed:
        return
    sentences = [_sentence(one, now) for one in claimed]
    is_told = notify(current.notify, sentences)
    incidents.release(claimed, now if is_told else None)
    log.info("%d incidents, %s", len(claimed), "told" if is_told else "to be told again")


def _seen(
    current: Settings, registry: Registry, before: Sequence[Incident], now: datetime
) -> Iterator[Incident]:
    """Yield the incidents there are now, of which some were open before."""
    failed = {one.connection_id: one for one in _still_failed(registry, before)}
    yield from failed.values()
    for connection in registry.in_state(State.DISCONNECTED):
        yield Incident(connection.id, Kind.LOST, connection.changed_at)
    for one in overdue_loads(registry, timedelta(hours=current.load_tolerance_hours), now):
        if one.connection_id not in failed:  # which is why
            yield Incident(one.connection_id, Kind.OVERDUE, one.due)
    for connection in registry.in_state(State.DISCONNECTING):
        for limit, kind in zip(LIMITS, (Kind.PURGE_LATE, Kind.PURGE_BROKEN), strict=True):
            if now - connection.changed_at >= limit:
                yield Incident(connection.id, kind, connection.changed_at)


def _still_failed(registry: Registry, before: Sequence[Incident]) -> Iterator[Incident]:
    """Yield failures after which nothing was published."""
    connected = {one.id for one in registry.in_state(State.CONNECTED)}
    for incident in before:
        if incident.kind is not Kind.FAILED or incident.connection_id not in connected:
            continue
        published_at = registry.reports.of(incident.connection_id).published_at
        if published_at is None or published_at < incident.since:
            yield incident


def _sentence(incident: Incident, now: datetime) -> str:
    """Return what has happened: our own words and the opaque id, nothing collected."""
    name = f"The connection {incident.connection_id}"
    hours = (now - incident.since) // timedelta(hours=1)
    return {
        Kind.FAILED: f"{name} could not be loaded: the run failed for good, and its readers keep "
        "what was published before. The page Integrations says why.",
        Kind.LOST: f"{name} is disconnected, because Sentry does not accept it any more: loads "
        "have stopped. The page Integrations says why, and has the button Reconnect.",
        Kind.OVERDUE: f"{name} is overdue: its load of {incident.since:%Y-%m-%d %H:%M} UTC has "
        "published nothing yet. The page Integrations says what is in the way.",
        Kind.PURGE_LATE: f"{name} was disconnected {hours} hours ago, and its data is not deleted "
        "yet: it has to be within 24. The logs of the DAG sentry_purge say what is in the way.",
        Kind.PURGE_BROKEN: f"{name} was disconnected {hours} hours ago, and its data is still not "
        "deleted: the promise of 24 hours is broken. The logs of the DAG sentry_purge say what is "
        "in the way.",
    }[incident.kind]

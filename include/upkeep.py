"""What has to happen again and again, whether or not a connection is loaded."""

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

from airflow.sdk.exceptions import AirflowException

from dlt_sources.sentry.errors import ConnectionLost, SentryError
from include.airflow_failures import WRONG_SETUP, as_airflows
from include.connections.application import ApplicationMissing
from include.connections.registry import Connection, open_registry
from include.connections.renewing import Renewing
from include.connections.states import IllegalTransition, State
from include.connections.tokens import NoSecrets
from include.connections.vault import VaultLocked
from include.masking import hide
from include.settings import DataDirUnusable, settings

log = logging.getLogger(__name__)

ACTOR = "upkeep"
"""What it is called in the changes of a connection's state."""


_airflow_failures = partial(
    as_airflows, skipped=(), for_good=WRONG_SETUP, for_now=(DataDirUnusable,)
)


@_airflow_failures()
def keep_tokens_alive() -> None:
    """Renew the tokens of connections that are due, loaded or not.

    Sentry forgets a token that nobody renewed for two months, and with a paused DAG nobody does.
    """
    current = settings()
    registry = open_registry(current)
    renewing = Renewing(current, registry)

    def keep(connection: Connection) -> None:
        try:
            hide(renewing.token(connection.id))
        except (ConnectionLost, NoSecrets) as lost:  # the page Integrations says so
            log.warning("%s is disconnected. %s", connection.id, lost)

    _each(registry.in_state(State.CONNECTED), keep, "its token was not renewed")


@_airflow_failures()
def end_retention() -> None:
    """End connections that Sentry has not accepted for so long that their data is to go.

    They are `disconnecting` from then on; the purge finds them.
    """
    registry = open_registry(settings())
    now = datetime.now(UTC)

    def end(connection: Connection) -> None:
        if registry.end_retention(connection.id, ACTOR, now):
            log.info("%s: nobody reconnected it in time, its data is deleted now", connection.id)

    _each(registry.to_purge(now), end, "its retention was not ended")


@_airflow_failures()
def forget_abandoned() -> None:
    """Forget consents for which nobody chose an organization, with their tokens."""
    registry = open_registry(settings())

    def forget(connection: Connection) -> None:
        with suppress(IllegalTransition):  # one was chosen in the last moment
            registry.abandon(connection.id, ACTOR, "no organization was chosen")
            log.info("%s: no organization was chosen, its tokens are forgotten", connection.id)

    _each(registry.abandoned(datetime.now(UTC)), forget, "it was not forgotten")


def _each(connections: list[Connection], do: Callable[[Connection], None], failed: str) -> None:
    """Do something for each connection; one that fails does not keep the others from it.

    Raises:
        AirflowException: It failed for some.
    """
    failures = 0
    for connection in connections:
        try:
            do(connection)
        except (ApplicationMissing, SentryError, VaultLocked) as failure:
            failures += 1
            log.error("%s: %s. %s", connection.id, failed, failure)  # noqa: TRY400 - a sentence
    log.info("%d connections, %d failures", len(connections), failures)
    if failures:
        raise AirflowException(f"It failed for {failures} connections; the log says why.")

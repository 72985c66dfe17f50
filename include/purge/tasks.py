"""What the tasks of the DAG `sentry_purge` do, as plain functions.

Airflow is told ids, amounts and our own sentences; nothing collected.
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol

from airflow.sdk.exceptions import AirflowFailException

from include import metrics
from include.airflow_failures import as_airflows
from include.connections.database import InvalidRegistryUrl
from include.connections.leases import Busy, Fenced
from include.connections.registry import UnknownConnection, open_registry
from include.connections.states import IllegalTransition, State
from include.connections.vault import InvalidKey
from include.purge import alarms, checking, purging
from include.purge.amounts import in_words
from include.settings import DataDirUnusable, InvalidSettings, settings

log = logging.getLogger(__name__)

AT_ONCE = 1000
"""Connections that one run purges; Airflow maps a task over 1024 things at most."""

_FOR_GOOD = (
    Fenced,
    IllegalTransition,
    InvalidKey,
    InvalidRegistryUrl,
    InvalidSettings,
    UnknownConnection,
)
_FOR_NOW = (DataDirUnusable, purging.PurgeUnfinished)

# That another process is at it already is no failure.
_airflow_failures = partial(as_airflows, skipped=(Busy,), for_good=_FOR_GOOD, for_now=_FOR_NOW)


class Run(Protocol):
    """A run of the DAG, as Airflow gives it."""

    triggering_user_name: str | None


def find(params: Mapping[str, Any] | None = None, dag_run: Run | None = None) -> list[str]:
    """Return the ids of the connections to purge: the one that was asked for, or all that wait.

    Args:
        params: The run's parameters: `connection_id` names one, `disconnect` ends it first.
        dag_run: The run, which knows who asked for it.
    """
    with _airflow_failures():
        registry = open_registry(settings())
        conf = params or {}
        asked, is_to_be_ended = conf.get("connection_id"), conf.get("disconnect")
        if asked is None and is_to_be_ended:
            raise AirflowFailException("Name the connection_id of the connection to disconnect.")
        if asked is None:
            waiting = [one.id for one in registry.in_state(State.DISCONNECTING)]
            log.info("%d connections are to be purged", len(waiting))
            return waiting[:AT_ONCE]
        connection = registry.get(asked)
        if is_to_be_ended:
            actor = (dag_run.triggering_user_name if dag_run else None) or purging.ACTOR
            connection = registry.disconnect(asked, actor, "run of sentry_purge")
        if connection.state not in {State.DISCONNECTING, State.PURGED}:
            raise AirflowFailException(
                f"The connection {asked} is {connection.state}, and its data in use. To disconnect "
                f'it and delete its data, run with {{"connection_id": "{asked}", '
                '"disconnect": true}.'
            )
        return [asked]


def purge(connection_id: str) -> None:
    """Purge a connection."""
    with _airflow_failures(), metrics.timed("purge", connection_id):
        receipt = purging.purge(settings(), open_registry(settings()), connection_id)
    for step in receipt.steps:
        state = "done" if step.is_done else "still to be done"
        log.info("%s: %s, deleted %s", step.title, state, in_words(step.deleted))
    log.info("receipt %d: %s", receipt.number, receipt.hash)


def check() -> None:
    """Look again at earlier purges for which it is time."""
    with _airflow_failures():
        receipts = checking.check_due(settings(), open_registry(settings()))
    for receipt in receipts:
        log.info("looked at %s again: receipt %d", receipt.connection, receipt.number)


def alarm() -> None:
    """Fail, for everybody to see, if anything should be deleted by now and is not."""
    with _airflow_failures():
        sentences = alarms.overdue(open_registry(settings()), datetime.now(UTC))
    if sentences:
        raise AirflowFailException(" ".join(sentences))

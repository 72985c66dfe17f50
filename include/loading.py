"""One load of a connection, as the DAG's task and the command `corvana load` run it."""

from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import uuid4

from dlt_sources.sentry.errors import (
    ConnectionLost,
    Fatal,
    LoadFailed,
    OutOfRetention,
    Retryable,
)
from include.connections.registry import Connection, ConnectionSecrets, UnknownConnection
from include.connections.vault import InvalidKey, VaultLocked
from include.days import Days, WrongDays
from include.locks import Busy, exclusive
from include.progress import Progress
from include.settings import DataDirUnusable, InvalidSettings, Settings
from include.warehouse.duckdb_file import DuckDBFile

if TYPE_CHECKING:
    # These take seconds to import, and every parse of a DAG file would pay.
    from dlt_sources.sentry.client import Client
    from dlt_sources.sentry.context import Budget
    from dlt_sources.sentry.pipeline import LoadSummary


class UnusableConnection(Exception):
    """The registry holds an address or a token that cannot be used."""


FOR_GOOD = (
    ConnectionLost,
    DataDirUnusable,
    Fatal,
    InvalidKey,
    InvalidSettings,
    UnknownConnection,
    UnusableConnection,
    VaultLocked,
    WrongDays,
)
"""Failures of a load that a person has to mend."""

FOR_NOW = (Busy, LoadFailed, Retryable)
"""Failures of a load that may be none the next time."""

FAILURES = (*FOR_GOOD, *FOR_NOW)
"""All that can go wrong without a bug; each says in a sentence what to do."""

IN_SHORT = "in short: "
"""Begins the line of a task's log that holds all of it; the demo shows that one."""


def load(  # noqa: PLR0913 - what a load needs, each by name
    current: Settings,
    connection: Connection,
    secrets: ConnectionSecrets,
    *,
    again: Days,
    requests_per_second: float | None,
    until_done: bool,
    watch: Callable[["Client"], Progress],
) -> "LoadSummary":
    """Load what changed in Sentry, and history that waits, into the connection's warehouse.

    Args:
        current: The application's settings.
        connection: The connection.
        secrets: Its secrets.
        again: Days of history to read again, if a person asks for any.
        requests_per_second: Ceiling for requests; None for no other than Sentry's.
        until_done: Read all history that waits, however long it takes.
        watch: Given the client, returns what is told how far the load is.

    Raises:
        Exception: One of `FAILURES`.
    """
    from dlt_sources.sentry.pipeline import run_load  # noqa: PLC0415

    warehouse = DuckDBFile(current.warehouse_dir, connection.id)
    with (
        exclusive(current.lock_path(connection.id)),
        _client(current, connection, secrets, requests_per_second) as client,
    ):
        try:
            return run_load(
                run_id=uuid4().hex,
                client=client,
                salt=secrets.salt,
                destination=warehouse.dlt_destination(),
                work_dir=current.work_dir(connection.id),
                budget=_budget(current, connection, until_done=until_done),
                again=again,
                progress=watch(client),
            )
        except OutOfRetention as out:
            raise WrongDays(str(out)) from None
        finally:
            warehouse.discard_if_empty()


def _client(
    current: Settings,
    connection: Connection,
    secrets: ConnectionSecrets,
    requests_per_second: float | None,
) -> "Client":
    from dlt_sources.sentry.client import Client  # noqa: PLC0415

    try:
        return Client(
            connection.base_url,
            connection.organization,
            secrets.token,
            hosts=current.sentry_hosts,
            max_requests_per_second=requests_per_second,
            concurrency=current.sentry_concurrency,
        )
    except ValueError as wrong:
        raise UnusableConnection(str(wrong)) from None


def _budget(current: Settings, connection: Connection, *, until_done: bool) -> "Budget":
    """Return what a load may spend: little time as long as nobody has seen a mart."""
    from dlt_sources.sentry.context import Budget  # noqa: PLC0415

    if until_done:
        return Budget(audit=current.sentry_audit_budget)
    first_s = current.first_backfill_minutes * 60
    is_published = any(current.published_dir.glob(f"*/connection_id={connection.id}"))
    return Budget(
        audit=current.sentry_audit_budget,
        first_backfill_s=first_s,
        # A first load that failed after its pass is repeated by one that is not the first.
        backfill_s=current.backfill_minutes * 60 if is_published else first_s,
    )


def in_short(summary: "LoadSummary") -> str:
    """Return the summary of a load in a line."""
    warnings = sum(summary.warnings.values())
    return (
        f"{summary.issues_read:,} issues and {summary.histories_read:,} histories read with "
        f"{summary.requests:,} requests in {summary.seconds:.0f} s, "
        f"{f'{warnings:,}' if warnings else 'no'} warnings"
        f"{'' if summary.is_backfilled else '; older history is still to be read'}"
    )

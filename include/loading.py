"""One load of a connection, as the DAG's task and the command `corvana load` run it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from uuid import uuid4

from dlt_sources.sentry.errors import (
    ConnectionLost,
    Fatal,
    LoadFailed,
    OutOfRetention,
    Retryable,
)
from include.connections.application import ApplicationMissing
from include.connections.database import InvalidRegistryUrl
from include.connections.leases import Busy, Fenced, Kind, Lease, LeaseLost
from include.connections.losses import reason_of
from include.connections.registry import Connection, Registry, UnknownConnection
from include.connections.reports import Coverage, Step
from include.connections.tokens import NoSecrets
from include.connections.vault import InvalidKey, VaultLocked
from include.days import Days, WrongDays
from include.progress import Progress
from include.published import current as published
from include.reporting import Reporter
from include.settings import DataDirUnusable, InvalidSettings, Settings
from include.warehouse.backend import warehouse_of
from include.warehouse.errors import ExtensionMissing, LakeUnreachable
from include.warehouse.overview import Overview, overview

if TYPE_CHECKING:
    # These take seconds to import, and every parse of a DAG file would pay.
    from dlt_sources.sentry.client import Client
    from dlt_sources.sentry.context import Budget
    from dlt_sources.sentry.pipeline import LoadSummary


class UnusableConnection(Exception):
    """The registry holds an address or a token that cannot be used."""


FOR_GOOD = (
    ApplicationMissing,
    ConnectionLost,
    DataDirUnusable,
    ExtensionMissing,
    Fatal,
    Fenced,
    InvalidKey,
    InvalidRegistryUrl,
    InvalidSettings,
    NoSecrets,
    UnknownConnection,
    UnusableConnection,
    VaultLocked,
    WrongDays,
)
"""Failures of a load that a person has to mend."""

FOR_NOW = (Busy, LakeUnreachable, LeaseLost, LoadFailed, Retryable)
"""Failures of a load that may be none the next time."""

FAILURES = (*FOR_GOOD, *FOR_NOW)
"""All that can go wrong without a bug; each says in a sentence what to do."""

IN_SHORT = "in short: "
"""Begins the line of a task's log that holds all of it; the demo shows that one."""

ACTOR = "load"
"""What a load is called in the changes of a connection's state."""


def load(  # noqa: PLR0913 - what a load needs, each by name
    current: Settings,
    registry: Registry,
    connection: Connection,
    *,
    again: Days,
    requests_per_second: float | None,
    until_done: bool,
    watch: Callable[["Client"], Progress],
    conceal: Callable[[str], object] = len,
) -> "LoadSummary":
    """Load what changed in Sentry, and history that waits, into the connection's warehouse.

    A connection that Sentry does not accept any more is `disconnected` from then on. One that is
    disconnected meanwhile is left at the next step, and nothing is committed any more.

    Args:
        current: The application's settings.
        registry: The connections.
        connection: The one to load.
        again: Days of history to read again, if a person asks for any.
        requests_per_second: Ceiling for requests; None for no other than Sentry's.
        until_done: Read all history that waits, however long it takes.
        watch: Given the client, returns what is told how far the load is.
        conceal: Given each token before it is used, so that no log shows it.

    Raises:
        Exception: One of `FAILURES`.
    """
    from dlt_sources.sentry.pipeline import run_load  # noqa: PLC0415

    warehouse = warehouse_of(current, connection.id)
    reporter = Reporter(registry.reports, connection.id, Step.LOAD, FAILURES)
    held = _Held(current, registry, connection.id, conceal)
    with (
        registry.leases.held(connection.id, Kind.LOAD) as lease,
        reporter.reporting(),
        lease.explaining(ConnectionLost),
        _noticing_loss(registry, held),
        _client(current, connection, requests_per_second, held) as client,
    ):
        try:
            summary = run_load(
                run_id=uuid4().hex,
                client=client,
                salt=registry.tokens.of(connection.id).salt,
                destination=warehouse.dlt_destination(),
                work_dir=current.work_dir(connection.id),
                budget=_budget(current, connection, until_done=until_done),
                again=again,
                progress=_stopping(reporter.watch(watch(client), client), lease),
                before_commit=lease.check,
            )
        except OutOfRetention as out:
            raise WrongDays(str(out)) from None
        finally:
            warehouse.discard_if_empty()
        _report(registry, connection.id, reporter, summary, overview(warehouse))
        lease.check()
        warehouse.compact()
    return summary


def _stopping(progress: Progress, lease: Lease) -> Progress:
    """Return progress that ends the load when its connection is disconnected."""

    def tell(what: str, done: int, total: int | None) -> None:
        lease.check_now_and_then()
        progress(what, done, total)

    return tell


class _Held:
    """The tokens that a load uses, one after the other; each is concealed before it is used.

    Attributes:
        connection_id: The connection.
        generation: Of the newest one.
    """

    def __init__(
        self,
        current: Settings,
        registry: Registry,
        connection_id: str,
        conceal: Callable[[str], object],
    ) -> None:
        from include.connections.renewing import Renewing  # noqa: PLC0415

        self.connection_id = connection_id
        self.generation: int | None = None
        self._tokens = registry.tokens
        self._renewing = Renewing(current, registry)
        self._conceal = conceal

    def first(self) -> str:
        """Return the token to begin with."""
        return self._taken(self._renewing.token(self.connection_id))

    def next(self, rejected: str) -> str:
        """Return a token for one that was rejected."""
        return self._taken(self._renewing.renewed(self.connection_id, rejected))

    def _taken(self, token: str) -> str:
        self._conceal(token)
        with suppress(NoSecrets):
            self.generation = self._tokens.of(self.connection_id).generation
        return token


@contextmanager
def _noticing_loss(registry: Registry, held: _Held) -> Iterator[None]:
    """Note in the registry that a connection does not work any more, and why."""
    try:
        yield
    except ConnectionLost as lost:
        registry.lose(held.connection_id, reason_of(lost), ACTOR, held.generation)
        raise


def _report(
    registry: Registry,
    connection_id: str,
    reporter: Reporter,
    summary: "LoadSummary",
    found: Overview | None,
) -> None:
    """Report what a load did, and what the organization is called by now."""
    if found is None:
        return
    registry.see(connection_id, found.organization_id, found.organization_slug)
    coverage = Coverage(
        projects=found.projects,
        hidden=found.hidden,
        is_complete=found.is_backfilled,
        since=found.since,
    )
    reporter.loaded(summary, coverage)


def _client(
    current: Settings, connection: Connection, requests_per_second: float | None, held: _Held
) -> "Client":
    from dlt_sources.sentry.client import Client  # noqa: PLC0415

    try:
        return Client(
            connection.base_url,
            connection.organization,
            held.first(),
            refresh=held.next,
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
    is_published = published(current.published_dir, connection.id) is not None
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

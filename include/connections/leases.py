"""Leases: one process at a time works on a connection's data, and only while it may.

A lease is taken in the same transaction in which the connection's state is read, so nothing begins
to work on a connection that is being deleted. Whoever holds one shows every few seconds that it is
still there, and checks the lease before anything becomes final; a purge waits for it, and breaks it
if that takes too long. A broken lease cannot be used to commit anything.
"""

import logging
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from threading import Event, Thread

from sqlalchemy import delete
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from include.connections.database import Database
from include.connections.holders import Holder, this_process
from include.connections.models import ConnectionRow, LeaseRow
from include.connections.states import SENTENCES, Reason, State

log = logging.getLogger(__name__)

BEAT_S = 5.0
"""Seconds between two signs of life."""

LAPSE = timedelta(seconds=60)
"""A lease without a sign of life for so long is nobody's any more."""

CHECK_S = 2.0
"""Seconds between two checks in a loop that makes many."""


class Kind(StrEnum):
    """What a connection's data is worked on for."""

    LOAD = "load"
    BUILD = "build"
    PUBLISH = "publish"
    LOOK = "look"
    PURGE = "purge"
    CHECK = "check"


ALLOWED: dict[Kind, State] = {
    Kind.LOAD: State.CONNECTED,
    Kind.BUILD: State.CONNECTED,
    Kind.PUBLISH: State.CONNECTED,
    Kind.LOOK: State.CONNECTED,
    Kind.PURGE: State.DISCONNECTING,
    Kind.CHECK: State.PURGED,
}
"""The state that a connection has to be in for it."""


MEANINGS = {
    State.CONNECTING: "Which organization it is for has not been chosen yet.",
    State.CONNECTED: "Its data stays: disconnect it first, if it is to be deleted.",
    State.DISCONNECTED: "Reconnect it on the page Integrations.",
    State.DISCONNECTING: "Its data is being deleted, so this was stopped and writes nothing more.",
    State.PURGED: "Its data is deleted, and nothing writes any more.",
}
"""What a state means to whoever wanted to work on the data, in a sentence."""


class Busy(Exception):
    """Another process works on the connection."""


class Fenced(Exception):
    """The connection is not in a state in which this may be done (any more)."""


class LeaseLost(Exception):
    """Another process took over: this one had shown no sign of life for too long."""


@dataclass(frozen=True, slots=True)
class Held:
    """A lease, seen from outside.

    Attributes:
        token: What tells it from another.
        kind: What it was taken for.
        holder: The process that has it.
        beat_at: Its last sign of life.
    """

    token: str
    kind: Kind
    holder: Holder
    beat_at: datetime

    def is_over(self, now: datetime) -> bool:
        """Tell whether nobody holds it any more."""
        return self.holder.is_dead or now - self.beat_at > LAPSE


class Lease:
    """The right to work on a connection's data.

    Args:
        leases: Where it was taken.
        connection_id: The connection.
        kind: What for.
        token: What tells it from another.
    """

    def __init__(self, leases: "Leases", connection_id: str, kind: Kind, token: str) -> None:
        self._leases = leases
        self._connection_id = connection_id
        self._kind = kind
        self._token = token
        self._checked_at = time.monotonic()
        self._over = Event()
        self._lost = Event()

    @property
    def is_lost(self) -> bool:
        """Whether the last sign of life found the lease broken; costs nothing."""
        return self._lost.is_set()

    def check(self) -> None:
        """Check that what is under way may become final.

        Raises:
            Fenced: The connection is in another state by now.
            LeaseLost: Another process took over.
        """
        if (failure := self.failure()) is not None:
            raise failure

    def failure(self) -> Fenced | LeaseLost | None:
        """Return what `check` would raise."""
        self._checked_at = time.monotonic()
        return self._leases.failure(self._connection_id, self._kind, self._token)

    def check_now_and_then(self) -> None:
        """Check as `check` does, but not more often than every `CHECK_S` seconds."""
        if self.is_lost or time.monotonic() - self._checked_at >= CHECK_S:
            self.check()

    @contextmanager
    def explaining(self, *others: type[Exception]) -> Iterator[None]:
        """Let what fails because the lease was lost say so, whatever it was wrapped into.

        Args:
            others: Failures that have a better reason.
        """
        try:
            yield
        except others:
            raise
        except Exception:
            if (failure := self.failure()) is None:
                raise
            raise failure from None

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Show signs of life from a thread."""
        thread = Thread(target=self._beat, name="lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _beat(self) -> None:
        while not self._over.wait(BEAT_S):
            try:
                if self._leases.beat(self._connection_id, self._kind, self._token) is not None:
                    self._lost.set()
            except SQLAlchemyError as failure:
                log.warning("the lease could not be renewed (%s)", type(failure).__name__)


class Leases:
    """Gives out leases.

    Args:
        database: Holds them.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def held(self, connection_id: str, kind: Kind) -> Iterator[Lease]:
        """Hold the lease of a connection.

        Raises:
            Busy: Another process has it.
            Fenced: The connection is in no state for that.
        """
        lease = self._take(connection_id, kind)
        try:
            with lease.beating():
                yield lease
        finally:
            self._release(connection_id, lease)

    def of(self, connection_id: str) -> Held | None:
        """Return the lease that a process, or what is left of one, has of a connection."""
        with self._database.reading() as session:
            row = session.get(LeaseRow, connection_id)
            return None if row is None else _held(row)

    def wait(self, connection_id: str, seconds: float) -> Held | None:
        """Wait until nobody holds a connection's lease; return who still does after some time."""
        deadline = time.monotonic() + seconds
        while (held := self.of(connection_id)) is not None and not held.is_over(datetime.now(UTC)):
            if time.monotonic() >= deadline:
                return held
            time.sleep(0.2)
        return None

    def break_off(self, connection_id: str, held: Held) -> None:
        """Take a lease away from its holder, who cannot commit anything from now on."""
        with self._database.writing() as session:
            session.execute(
                delete(LeaseRow).filter_by(connection_id=connection_id, token=held.token)
            )

    def beat(self, connection_id: str, kind: Kind, token: str) -> Fenced | LeaseLost | None:
        """Show a sign of life; return what is wrong with the lease."""
        with self._database.writing() as session:
            failure = _failure(session, connection_id, kind, token)
            if failure is None:
                row = session.get_one(LeaseRow, connection_id)
                row.beat_at = datetime.now(UTC)
            return failure

    def failure(self, connection_id: str, kind: Kind, token: str) -> Fenced | LeaseLost | None:
        """Return what is wrong with a lease."""
        with self._database.reading() as session:
            return _failure(session, connection_id, kind, token)

    def _take(self, connection_id: str, kind: Kind) -> Lease:
        now, me = datetime.now(UTC), this_process()
        token = secrets.token_hex(16)
        with self._database.writing() as session:
            # Locks the connection, so that its state stays what it is until this is committed.
            connection = session.get(ConnectionRow, connection_id, with_for_update=True)
            if (fenced := _fenced(connection, connection_id, kind)) is not None:
                raise fenced
            row = session.get(LeaseRow, connection_id)
            if row is not None and not _held(row).is_over(now):
                raise _busy(_held(row))
            if row is None:
                row = LeaseRow(connection_id=connection_id)
                session.add(row)
            row.token, row.kind, row.taken_at, row.beat_at = token, kind, now, now
            row.host, row.pid, row.process_started = me.host, me.pid, me.started
        return Lease(self, connection_id, kind, token)

    def _release(self, connection_id: str, lease: Lease) -> None:
        try:
            with self._database.writing() as session:
                wanted = {"connection_id": connection_id, "token": lease._token}
                session.execute(delete(LeaseRow).filter_by(**wanted))
        except SQLAlchemyError as failure:
            # It lapses by itself, and nobody should see this instead of how the work ended.
            log.warning("the lease could not be given back (%s)", type(failure).__name__)


def _held(row: LeaseRow) -> Held:
    holder = Holder(row.host, row.pid, row.process_started)
    return Held(row.token, Kind(row.kind), holder, row.beat_at)


def _failure(
    session: Session, connection_id: str, kind: Kind, token: str
) -> Fenced | LeaseLost | None:
    """Return what is wrong with a lease; the connection's state first, which says more."""
    connection = session.get(ConnectionRow, connection_id)
    if (fenced := _fenced(connection, connection_id, kind)) is not None:
        return fenced
    row = session.get(LeaseRow, connection_id)
    if row is None or row.token != token:
        return LeaseLost(
            "Another process took over this connection, because this one had shown no sign of "
            "life for a minute. Nothing more was written: run again."
        )
    return None


def _fenced(row: ConnectionRow | None, connection_id: str, kind: Kind) -> Fenced | None:
    if row is not None and row.state == ALLOWED[kind]:
        return None
    if row is None:
        return Fenced(f"There is no connection {connection_id} any more. Nothing was written.")
    why = SENTENCES[Reason(row.reason)] if row.reason else MEANINGS[State(row.state)]
    return Fenced(f"The connection is {row.state}. {why}")


def _busy(held: Held) -> Busy:
    who = held.holder.pid if held.holder.is_here else f"{held.holder.pid} on {held.holder.host}"
    return Busy(
        f"Another process ({who}) is working on this connection ({held.kind}): run again when it "
        "has ended."
    )

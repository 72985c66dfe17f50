"""How far purges are, so that one that was killed is resumed, and one that is done is checked."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import msgspec
from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from include.connections.database import Database
from include.connections.models import ConnectionRow, PurgeRow, PurgeStepRow, TransitionRow
from include.connections.states import State
from include.connections.vault import Vault
from include.purge.amounts import Amounts, at_least, together

CHECKS = (timedelta(hours=1), timedelta(hours=24))
"""When a purge is verified again, counted from its receipt."""

WORDS_KEPT = timedelta(hours=20)
"""Fingerprints that say something are forgotten so long after the disconnect at the latest."""


@dataclass(frozen=True, slots=True)
class StepState:
    """How far a step is.

    Attributes:
        is_done: Whether it is over.
        amounts: What it deleted, or is about to.
        problem: Why it is not done, in a sentence.
        note: What else is to be said of it.
    """

    is_done: bool
    amounts: Amounts
    problem: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Needles:
    """What to search for.

    Attributes:
        words: What the connection held and nobody else: slugs, versions, ids.
        marks: Random values in its tables, which say nothing to anybody.
    """

    words: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()


class Why(StrEnum):
    """Why a purge is looked at again."""

    TIME = "it is time to"
    OPEN = "a step is still to be done"
    REAPPEARED = "something is there again"


@dataclass(frozen=True, slots=True)
class Due:
    """A purge that is to be looked at again.

    Attributes:
        connection_id: The connection.
        receipt: Hash of its receipt.
        why: Why.
    """

    connection_id: str
    receipt: str
    why: Why


class PurgeProgress:
    """Reads and writes how far purges are.

    Args:
        database: Holds it.
        vault: Encrypts what to search for.
    """

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    def begin(self, connection_id: str) -> datetime:
        """Note that a purge runs (again), and return when the connection was disconnected."""
        now = datetime.now(UTC)
        wanted = select(TransitionRow).filter_by(
            connection_id=connection_id, to_state=State.DISCONNECTING
        )
        with self._database.writing() as session:
            row = session.get(PurgeRow, connection_id)
            if row is None:
                requested = session.scalars(wanted.order_by(TransitionRow.id)).first()
                changed = session.get_one(ConnectionRow, connection_id).changed_at
                row = PurgeRow(
                    connection_id=connection_id,
                    requested_at=requested.at if requested else changed,
                    requested_by=requested.actor if requested else "",
                    attempts=0,
                    checks=0,
                )
                session.add(row)
            row.began_at = row.began_at or now
            row.attempts += 1
            return row.requested_at

    def steps(self, connection_id: str) -> dict[str, StepState]:
        """Return how far the steps of a purge are, by name."""
        wanted = select(PurgeStepRow).filter_by(connection_id=connection_id)
        with self._database.reading() as session:
            return {
                row.step: StepState(row.is_done, row.amounts, row.problem, row.note)
                for row in session.scalars(wanted)
            }

    def found(self, connection_id: str, step: str, amounts: Amounts) -> None:
        """Note what a step is about to delete.

        What it found before it was killed is among it; what it finds after it was done is more.
        """
        with self._database.writing() as session:
            row = session.get(PurgeStepRow, (connection_id, step))
            if row is None:
                row = PurgeStepRow(
                    connection_id=connection_id, step=step, is_done=False, attempts=0, amounts={}
                )
                session.add(row)
            add = together if row.is_done else at_least
            row.amounts = add(row.amounts, amounts)
            row.is_done, row.problem = False, None
            row.attempts += 1
            row.updated_at = datetime.now(UTC)

    def ended(self, connection_id: str, step: str, problem: str | None, note: str | None) -> None:
        """Note that a step is done, or why it is not."""
        with self._database.writing() as session:
            row = session.get(PurgeStepRow, (connection_id, step))
            if row is None:
                row = PurgeStepRow(connection_id=connection_id, step=step, attempts=1, amounts={})
                session.add(row)
            row.is_done, row.updated_at = problem is None, datetime.now(UTC)
            row.problem, row.note = problem and problem[:1024], note or row.note

    def keep_needles(self, connection_id: str, needles: Needles) -> None:
        """Keep what is to be searched for, encrypted, in place of what was kept."""
        with self._database.writing() as session:
            row = session.get_one(PurgeRow, connection_id)
            row.words = self._vault.encrypt(msgspec.json.encode(needles.words))
            row.marks = self._vault.encrypt(msgspec.json.encode(needles.marks))

    def needles(self, connection_id: str) -> Needles:
        """Return what is to be searched for.

        Raises:
            VaultLocked: The key that it was encrypted with is gone.
        """
        with self._database.reading() as session:
            row = session.get(PurgeRow, connection_id)
        if row is None:
            return Needles()
        return Needles(words=self._read(row.words), marks=self._read(row.marks))

    def forget_words(self, now: datetime) -> None:
        """Forget what says something where it was kept for long enough."""
        with self._database.writing() as session:
            due = select(PurgeRow).where(PurgeRow.requested_at <= now - WORDS_KEPT)
            for row in session.scalars(due):
                row.words = None

    def is_receipted(self, session: Session, receipt: str, connection_id: str) -> None:
        """Note that there is a receipt, in its transaction, and when to verify again."""
        row = session.get_one(PurgeRow, connection_id)
        row.first_receipt, row.next_check_at = receipt, datetime.now(UTC) + CHECKS[0]

    def due(self, now: datetime) -> list[Due]:
        """Return the purges that are to be looked at again, those that wait longest first."""
        is_open = select(PurgeStepRow.connection_id).where(~PurgeStepRow.is_done)
        wanted = (
            select(PurgeRow)
            .where(PurgeRow.first_receipt.is_not(None))
            .where(or_(PurgeRow.next_check_at <= now, PurgeRow.connection_id.in_(is_open)))
            .order_by(PurgeRow.requested_at)
        )
        with self._database.reading() as session:
            return [
                Due(
                    row.connection_id,
                    row.first_receipt or "",
                    Why.TIME if row.next_check_at and row.next_check_at <= now else Why.OPEN,
                )
                for row in session.scalars(wanted)
            ]

    def is_checked(self, connection_id: str, now: datetime) -> None:
        """Note that a purge was verified again; what says something is forgotten by then."""
        with self._database.writing() as session:
            row = session.get_one(PurgeRow, connection_id)
            row.checks += 1
            row.words = None
            is_last = row.checks >= len(CHECKS)
            after = None if is_last else CHECKS[row.checks] - CHECKS[row.checks - 1]
            row.next_check_at = None if after is None else now + after

    def forget_if_over(self, connection_id: str) -> None:
        """Forget all of a purge but its receipts, if nothing is left to be done or checked."""
        is_open = select(PurgeStepRow).filter_by(connection_id=connection_id, is_done=False)
        with self._database.writing() as session:
            row = session.get(PurgeRow, connection_id)
            if row is None or row.next_check_at is not None or session.scalars(is_open).first():
                return
            session.execute(delete(PurgeStepRow).filter_by(connection_id=connection_id))
            session.delete(row)

    def _read(self, stored: bytes | None) -> tuple[str, ...]:
        if stored is None:
            return ()
        return msgspec.json.decode(self._vault.decrypt(stored), type=tuple[str, ...])

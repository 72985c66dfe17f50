"""The registry's tables. Times are UTC; what is secret is encrypted by the vault."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    TypeDecorator,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

REVISION = "0004"
"""The newest of the migrations, which make these tables."""


class Moment(TypeDecorator[datetime]):
    """A time in UTC, which SQLite would give back without its zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _: Dialect) -> datetime | None:
        """Store it in UTC."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, _: Dialect) -> datetime | None:
        """Read it in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Base of the tables."""

    type_annotation_map = {datetime: Moment, dict[str, Any]: JSON, list[str]: JSON}  # noqa: RUF012


HAS_DATA = text("state not in ('disconnecting', 'purged')")
"""Which connections count when an organization is to have one only."""


class ConnectionRow(Base):
    """A connection. What names the organization is emptied when it is purged.

    Attributes:
        organization_id: Sentry's id, pinned at connect; slugs change, ids do not.
        organization_slug: As it was at the last load, for people.
        schedule: A key of `schedule.SCHEDULES`.
        purge_after: When a disconnected one is purged, unless it is connected again.
    """

    __tablename__ = "connections"
    __table_args__ = (
        # One live connection for an organization; one that is being deleted is in nobody's way.
        Index(
            "one_per_organization",
            "base_url",
            "organization_id",
            unique=True,
            sqlite_where=HAS_DATA,
            postgresql_where=HAS_DATA,
        ),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    base_url: Mapped[str | None] = mapped_column(String(255))
    organization_id: Mapped[str | None] = mapped_column(String(64))
    organization_slug: Mapped[str | None] = mapped_column(String(255))
    state: Mapped[str] = mapped_column(String(16), index=True)
    reason: Mapped[str | None] = mapped_column(String(32))
    changed_at: Mapped[datetime]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(255))
    schedule: Mapped[str] = mapped_column(String(16), server_default=text("'hourly'"))
    purge_after: Mapped[datetime | None]


class SecretsRow(Base):
    """The secrets of a connection; the row is deleted when it is disconnected by a person.

    Attributes:
        generation: Counts the tokens that were stored.
        renewing_since: A renewal was begun then, and its outcome is not stored (yet).
        renewing_by: What whoever began it calls itself; None if they gave up.
    """

    __tablename__ = "secrets"

    connection_id: Mapped[str] = mapped_column(ForeignKey("connections.id"), primary_key=True)
    salt: Mapped[bytes] = mapped_column(LargeBinary)
    access_token: Mapped[bytes] = mapped_column(LargeBinary)
    refresh_token: Mapped[bytes | None] = mapped_column(LargeBinary)
    scopes: Mapped[list[str]]
    obtained_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    generation: Mapped[int]
    renewing_since: Mapped[datetime | None]
    renewing_by: Mapped[str | None] = mapped_column(String(64))


class TransitionRow(Base):
    """One change of a connection's state: the audit table.

    Attributes:
        actor: Id of the Airflow user, or which part of the software it was.
        reason: A `states.Reason`, or why else.
    """

    __tablename__ = "transitions"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    connection_id: Mapped[str] = mapped_column(ForeignKey("connections.id"), index=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(255))
    from_state: Mapped[str | None] = mapped_column(String(16))
    to_state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(255))


class AuthorizationRow(Base):
    """A consent that was asked for: good once, for ten minutes, for one user in one browser.

    Attributes:
        state_digest: SHA-256 of OAuth's `state`.
        browser_digest: SHA-256 of the nonce in the browser's cookie.
        code_verifier: PKCE's, encrypted.
        connection_id: The connection that is connected again; None for a new one.
    """

    __tablename__ = "authorizations"

    state_digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    browser_digest: Mapped[str] = mapped_column(String(64))
    actor: Mapped[str] = mapped_column(String(255))
    code_verifier: Mapped[bytes] = mapped_column(LargeBinary)
    redirect_uri: Mapped[str] = mapped_column(String(1024))
    connection_id: Mapped[str | None] = mapped_column(ForeignKey("connections.id"))
    expires_at: Mapped[datetime]


class LoadReportRow(Base):
    """What is known of a connection's latest loads: numbers and our own words only.

    Attributes:
        report: A `reports.LoadReport`.
    """

    __tablename__ = "load_reports"

    connection_id: Mapped[str] = mapped_column(ForeignKey("connections.id"), primary_key=True)
    updated_at: Mapped[datetime]
    report: Mapped[dict[str, Any]]


class IncidentRow(Base):
    """Something that somebody is told of once; the row is deleted when it is over.

    Attributes:
        kind: An `incidents.Kind`.
        since: When it began.
        claimed_at: When a process began to tell of it last.
        told_at: When somebody was told; None before that.
    """

    __tablename__ = "incidents"

    connection_id: Mapped[str] = mapped_column(ForeignKey("connections.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    since: Mapped[datetime]
    claimed_at: Mapped[datetime | None]
    told_at: Mapped[datetime | None]


class LeaseRow(Base):
    """Who works on a connection's data; see `leases`.

    Attributes:
        token: What tells this lease from the next one.
        kind: A `leases.Kind`.
        host, pid, process_started: The process; see `holders.Holder`.
        beat_at: Its last sign of life.
    """

    __tablename__ = "leases"

    connection_id: Mapped[str] = mapped_column(ForeignKey("connections.id"), primary_key=True)
    token: Mapped[str] = mapped_column(String(32))
    kind: Mapped[str] = mapped_column(String(16))
    host: Mapped[str] = mapped_column(String(255))
    pid: Mapped[int]
    process_started: Mapped[str] = mapped_column(String(32))
    taken_at: Mapped[datetime]
    beat_at: Mapped[datetime]


class PurgeRow(Base):
    """A purge that is under way, or is still checked; the row is deleted after the last check.

    Attributes:
        requested_at: When the connection was disconnected.
        requested_by: By whom.
        began_at: When the purge first ran.
        attempts: How often it did.
        words: What the connection held, as fingerprints to search for; encrypted, and forgotten
            after the first check.
        marks: Pseudonyms of it, which mean nothing without the salt; encrypted, too.
        first_receipt: Hash of its receipt; None before there is one.
        next_check_at: When it is to be verified again; None before there is a receipt.
        checks: How often it was verified again.
    """

    __tablename__ = "purges"

    connection_id: Mapped[str] = mapped_column(ForeignKey("connections.id"), primary_key=True)
    requested_at: Mapped[datetime]
    requested_by: Mapped[str] = mapped_column(String(255))
    began_at: Mapped[datetime | None]
    attempts: Mapped[int]
    words: Mapped[bytes | None] = mapped_column(LargeBinary)
    marks: Mapped[bytes | None] = mapped_column(LargeBinary)
    first_receipt: Mapped[str | None] = mapped_column(String(64))
    next_check_at: Mapped[datetime | None] = mapped_column(index=True)
    checks: Mapped[int]


class PurgeStepRow(Base):
    """How far a step of a purge is.

    Attributes:
        step: A key of `include.purge.steps.STEPS`.
        is_done: Whether it is over.
        attempts: How often it was begun.
        amounts: What it found before it began to delete, and deleted if it is done.
        problem: Why it is not done, in a sentence; None if nothing is wrong.
        note: What else is to be said of it, in a sentence.
    """

    __tablename__ = "purge_steps"

    connection_id: Mapped[str] = mapped_column(ForeignKey("connections.id"), primary_key=True)
    step: Mapped[str] = mapped_column(String(32), primary_key=True)
    is_done: Mapped[bool]
    attempts: Mapped[int]
    updated_at: Mapped[datetime]
    amounts: Mapped[dict[str, Any]]
    problem: Mapped[str | None] = mapped_column(String(1024))
    note: Mapped[str | None] = mapped_column(String(1024))


class ReceiptRow(Base):
    """A receipt, which is never changed or deleted; see `include.purge.receipts`.

    Attributes:
        number: Place in the chain, from 1.
        body: The receipt as JSON; what the hash is made of, byte by byte.
        hash: SHA-256 of the body, which holds the hash before it.
    """

    __tablename__ = "receipts"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    connection_id: Mapped[str] = mapped_column(String(32), index=True)
    issued_at: Mapped[datetime]
    body: Mapped[str] = mapped_column(Text)
    hash: Mapped[str] = mapped_column(String(64), unique=True)

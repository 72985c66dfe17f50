"""The registry: the source of truth about connections, and the only place that changes states."""

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from include.connections.authorizations import Authorizations
from include.connections.database import Database
from include.connections.leases import Leases
from include.connections.models import (
    AuthorizationRow,
    ConnectionRow,
    LoadReportRow,
    SecretsRow,
    TransitionRow,
)
from include.connections.reports import Reports
from include.connections.schedule import SCHEDULES, InvalidSchedule
from include.connections.states import IllegalTransition, Reason, State, check
from include.connections.tokens import Grant, Tokens
from include.connections.vault import Vault, open_vault
from include.settings import Settings

CHOOSING = timedelta(minutes=30)
"""How long a user may take to choose an organization; then the consent is forgotten."""

LIVE = (State.CONNECTED, State.DISCONNECTED)
"""States in which a connection has a DAG, and its history in Airflow."""


class UnknownConnection(Exception):
    """No connection has the given id."""


class AlreadyConnected(Exception):
    """The organization has a connection.

    Attributes:
        connection: That one.
    """

    def __init__(self, connection: "Connection") -> None:
        super().__init__(
            f"This organization is connected already, as {connection.id}. To use it again after "
            "access was lost, reconnect that one."
        )
        self.connection = connection


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection to a Sentry organization.

    Attributes:
        id: Opaque; says nothing of the customer, so it may stand in DAG ids and logs.
        base_url: Root of its Sentry server, the control silo of sentry.io; "" once purged.
        organization_id: Sentry's id of the organization; None before it is chosen.
        organization_slug: Its short name as it was last seen, for people.
        state: Where the connection stands.
        reason: Why, if it is disconnected.
        changed_at: When it came into this state.
        created_at: When the user consented first.
        created_by: Id of that Airflow user.
        schedule: A key of `schedule.SCHEDULES`.
        purge_after: When a disconnected one is purged, unless it is connected again.
    """

    id: str
    base_url: str
    organization_id: str | None
    organization_slug: str | None
    state: State
    reason: Reason | None
    changed_at: datetime
    created_at: datetime
    created_by: str
    schedule: str
    purge_after: datetime | None

    @property
    def organization(self) -> str:
        """What Sentry is to be asked with: the id, or the slug of a connection that has none."""
        return self.organization_id or self.organization_slug or ""

    @property
    def name(self) -> str:
        """What people know the organization by: the slug as it was last seen, or the id."""
        return self.organization_slug or self.organization_id or ""

    @property
    def is_loaded(self) -> bool:
        """Whether it is to be loaded."""
        return self.state is State.CONNECTED


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of a connection's state.

    Attributes:
        at: When.
        actor: Id of the Airflow user, or the part of the software that did it.
        from_state: The state before; None for a connection that was just made.
        to_state: The state after.
        reason: Why, in a word.
    """

    at: datetime
    actor: str
    from_state: State | None
    to_state: State
    reason: str | None


class Registry:
    """Reads and writes connections.

    Args:
        database: Holds them.
        vault: Encrypts tokens and salts.
        revoked_retention: How long the data of a disconnected connection is kept.

    Attributes:
        database: What they are kept in.
        vault: What their secrets are encrypted with.
        tokens: Their tokens and salts.
        authorizations: Consents that were asked for.
        reports: What their loads did.
        leases: Who works on their data.
    """

    def __init__(self, database: Database, vault: Vault, revoked_retention: timedelta) -> None:
        self.database = database
        self.vault = vault
        self._revoked_retention = revoked_retention
        self.tokens = Tokens(database, vault)
        self.authorizations = Authorizations(database, vault)
        self.reports = Reports(database)
        self.leases = Leases(database)

    # Reading

    def all(self) -> list[Connection]:
        """Return all connections, oldest first, purged ones included."""
        with self.database.reading() as session:
            rows = session.scalars(select(ConnectionRow).order_by(ConnectionRow.created_at))
            return [_connection(row) for row in rows]

    def live(self) -> list[Connection]:
        """Return the connections that have a DAG, oldest first."""
        return self.in_state(*LIVE)

    def in_state(self, *states: State) -> list[Connection]:
        """Return the connections in one of some states, oldest first."""
        wanted = select(ConnectionRow).where(ConnectionRow.state.in_(states))
        with self.database.reading() as session:
            rows = session.scalars(wanted.order_by(ConnectionRow.created_at))
            return [_connection(row) for row in rows]

    def get(self, connection_id: str) -> Connection:
        """Return a connection.

        Raises:
            UnknownConnection: There is none with this id.
        """
        with self.database.reading() as session:
            return _connection(_row(session, connection_id))

    def transitions(self, connection_id: str) -> list[Transition]:
        """Return the changes of a connection's state, oldest first."""
        wanted = select(TransitionRow).filter_by(connection_id=connection_id)
        with self.database.reading() as session:
            return [
                Transition(
                    at=row.at,
                    actor=row.actor,
                    from_state=State(row.from_state) if row.from_state else None,
                    to_state=State(row.to_state),
                    reason=row.reason,
                )
                for row in session.scalars(wanted.order_by(TransitionRow.id))
            ]

    # Changes of state, all of which go through `_move`

    def begin(self, base_url: str, grant: Grant, actor: str) -> Connection:
        """Return a new connection that is `connecting`: the user consented.

        Args:
            base_url: Root of the Sentry server that gave the grant.
            grant: The tokens.
            actor: Id of the Airflow user.
        """
        now = datetime.now(UTC)
        row = ConnectionRow(
            id=f"c{secrets.token_hex(8)}",
            base_url=base_url,
            changed_at=now,
            created_at=now,
            created_by=actor,
            schedule="hourly",
        )
        with self.database.writing() as session:
            _move(session, row, State.CONNECTING, actor)
            session.flush()
            self.tokens.add(session, row.id, grant)
            return _connection(row)

    def connect(
        self, connection_id: str, organization_id: str, slug: str, actor: str
    ) -> Connection:
        """Pin the organization of a connection, which is `connected` from now on.

        Args:
            connection_id: The connection, which is `connecting`.
            organization_id: Sentry's id of the organization.
            slug: Its short name, for people.
            actor: Id of the Airflow user.

        Raises:
            AlreadyConnected: The organization has a connection; this one is forgotten.
            IllegalTransition: It is not `connecting`.
            UnknownConnection: There is none with this id.
        """
        try:
            with self.database.writing() as session:
                row = _row(session, connection_id, lock=True)
                _require(row, State.CONNECTED, State.CONNECTING)
                row.organization_id, row.organization_slug = organization_id, slug
                _move(session, row, State.CONNECTED, actor)
                session.flush()
                return _connection(row)
        except IntegrityError:
            pass
        base_url = self.get(connection_id).base_url
        with self.database.reading() as session:
            wanted = {"base_url": base_url, "organization_id": organization_id}
            live = select(ConnectionRow).where(ConnectionRow.state.in_(LIVE))
            existing = session.scalars(live.filter_by(**wanted)).one_or_none()
        if existing is None:  # it was disconnected just now
            return self.connect(connection_id, organization_id, slug, actor)
        self.abandon(connection_id, actor, "already connected")
        raise AlreadyConnected(_connection(existing))

    def reconnect(self, connection_id: str, grant: Grant, slug: str, actor: str) -> Connection:
        """Give a connection new tokens; it is `connected` from now on, with all its history.

        Whoever asks has checked that they reach the organization.

        Raises:
            IllegalTransition: It is being deleted, or was, or was never connected.
            UnknownConnection: There is none with this id.
        """
        with self.database.writing() as session:
            row = _row(session, connection_id, lock=True)
            _require(row, State.CONNECTED, *LIVE)
            if row.state != State.CONNECTED:
                _move(session, row, State.CONNECTED, actor, "reconnected")
            row.organization_slug = slug
            self.tokens.replace(session, connection_id, grant)
            return _connection(row)

    def abandon(self, connection_id: str, actor: str, reason: str) -> None:
        """Forget a connection that never was more than `connecting`, with its tokens.

        Raises:
            IllegalTransition: It is more.
        """
        with self.database.writing() as session:
            row = _row(session, connection_id, lock=True)
            _require(row, State.PURGED, State.CONNECTING)
            _forget(session, row)
            _move(session, row, State.PURGED, actor, reason)

    def lose(
        self, connection_id: str, reason: Reason, actor: str, generation: int | None = None
    ) -> Connection:
        """Note that a connection does not work any more; loads stop until it is connected again.

        One that is being deleted, or is disconnected already, stays as it is; and so does one that
        was given other tokens meanwhile, by a person who connected it again.

        Args:
            connection_id: The connection.
            reason: Why.
            actor: Who found out.
            generation: Of the tokens that do not work; None for those that are stored.
        """
        with self.database.writing() as session:
            row = _row(session, connection_id, lock=True)
            held = session.get(SecretsRow, connection_id)
            is_old = generation is not None and held is not None and held.generation > generation
            if row.state == State.CONNECTED and not is_old:
                _move(session, row, State.DISCONNECTED, actor, reason)
                row.reason = reason
                row.purge_after = row.changed_at + self._revoked_retention
            return _connection(row)

    def disconnect(self, connection_id: str, actor: str, reason: str | None = None) -> Connection:
        """End a connection: its secrets are destroyed at once, and all else is to be purged.

        One that is being deleted already, or was, stays as it is.

        Raises:
            UnknownConnection: There is none with this id.
        """
        with self.database.writing() as session:
            row = _row(session, connection_id, lock=True)
            if row.state not in {State.DISCONNECTING, State.PURGED}:
                _end(session, row, actor, reason)
            return _connection(row)

    def end_retention(self, connection_id: str, actor: str, now: datetime) -> bool:
        """End a connection that was lost, if its data has been kept for long enough.

        Returns:
            Whether it was ended: not if somebody connected it again in the last moment.
        """
        with self.database.writing() as session:
            row = _row(session, connection_id, lock=True)
            is_over = row.purge_after is not None and row.purge_after <= now
            if row.state != State.DISCONNECTED or not is_over:
                return False
            _end(session, row, actor, "retention ended")
            return True

    def purged(
        self, connection_id: str, actor: str, also: Callable[[Session], None] = lambda _: None
    ) -> Connection:
        """Note that everything of a connection is deleted, and forget which organization it was.

        Args:
            connection_id: The connection.
            actor: Who deleted it.
            also: Called in the same transaction: what it writes is there if the connection is
                purged, and only then.

        Raises:
            IllegalTransition: It is not `disconnecting`.
        """
        with self.database.writing() as session:
            row = _row(session, connection_id, lock=True)
            _require(row, State.PURGED, State.DISCONNECTING)
            _forget(session, row)
            _move(session, row, State.PURGED, actor)
            also(session)
            return _connection(row)

    # Other changes

    def destroy_secrets(self, connection_id: str) -> None:
        """Destroy the secrets of a connection that is being deleted, should there be any."""
        with self.database.writing() as session:
            _destroy_secrets(session, connection_id)

    def see(self, connection_id: str, organization_id: str, slug: str) -> None:
        """Note an organization as a load saw it: its short name, and its id if there is none yet.

        A load reads no other organization than the one whose id is pinned. A connection made
        before ids were pinned stays without, if another one has pinned its organization since.
        """
        with suppress(IntegrityError), self.database.writing() as session:
            row = _row(session, connection_id, lock=True)
            if row.state in LIVE:
                row.organization_id = row.organization_id or organization_id
                row.organization_slug = slug

    def set_schedule(self, connection_id: str, schedule: str) -> Connection:
        """Set how often a connection is loaded.

        Args:
            connection_id: The connection.
            schedule: A key of `schedule.SCHEDULES`.

        Raises:
            InvalidSchedule: It is none.
            UnknownConnection: There is none with this id.
        """
        if schedule not in SCHEDULES:
            raise InvalidSchedule(schedule)
        with self.database.writing() as session:
            row = _row(session, connection_id, lock=True)
            row.schedule = schedule
            return _connection(row)

    def abandoned(self, now: datetime) -> list[Connection]:
        """Return connections whose organization nobody chose in time."""
        return [one for one in self.in_state(State.CONNECTING) if one.changed_at + CHOOSING <= now]

    def to_purge(self, now: datetime) -> list[Connection]:
        """Return disconnected connections whose data has been kept for long enough."""
        return [
            one
            for one in self.in_state(State.DISCONNECTED)
            if one.purge_after is not None and one.purge_after <= now
        ]


def open_registry(settings: Settings) -> Registry:
    """Return the registry that the settings name.

    Raises:
        DataDirUnusable: The data folder cannot be written.
        InvalidRegistryUrl: CORVANA_REGISTRY_URL is no address of a database.
    """
    settings.usable_data_dir()
    return Registry(
        Database(settings.registry_address, settings.data_dir / "locks" / "registry"),
        open_vault(settings),
        timedelta(days=settings.revoked_retention_days),
    )


def _require(row: ConnectionRow, to: State, *states: State) -> None:
    """Check that a connection is in one of some states, where more than those may lead to another.

    Raises:
        IllegalTransition: It is not.
    """
    if row.state not in states:
        raise IllegalTransition(row.id, State(row.state), to)


def _move(
    session: Session, row: ConnectionRow, to: State, actor: str, reason: str | None = None
) -> None:
    """Change a connection's state, if it may be, and write that down."""
    before = State(row.state) if row.state else None
    check(row.id, before, to)
    row.state, row.reason, row.changed_at, row.purge_after = to, None, datetime.now(UTC), None
    session.add(row)
    session.flush()
    session.add(
        TransitionRow(
            connection_id=row.id,
            at=row.changed_at,
            actor=actor,
            from_state=before,
            to_state=to,
            reason=reason,
        )
    )


def _end(session: Session, row: ConnectionRow, actor: str, reason: str | None) -> None:
    """Have a connection purged; its secrets are destroyed with the change of its state."""
    _move(session, row, State.DISCONNECTING, actor, reason)
    _destroy_secrets(session, row.id)


def _forget(session: Session, row: ConnectionRow) -> None:
    """Delete what the registry holds of an organization, but for the changes of its state."""
    _destroy_secrets(session, row.id)
    session.execute(delete(LoadReportRow).filter_by(connection_id=row.id))
    row.base_url = row.organization_id = row.organization_slug = None


def _destroy_secrets(session: Session, connection_id: str) -> None:
    session.execute(delete(SecretsRow).filter_by(connection_id=connection_id))
    session.execute(delete(AuthorizationRow).filter_by(connection_id=connection_id))


def _row(session: Session, connection_id: str, *, lock: bool = False) -> ConnectionRow:
    row = session.get(ConnectionRow, connection_id, with_for_update=True if lock else None)
    if row is None:
        raise UnknownConnection(
            f"There is no connection {connection_id} in the registry. If it should be there, "
            "check that CORVANA_DATA_DIR and CORVANA_REGISTRY_URL are those it was made with."
        )
    return row


def _connection(row: ConnectionRow) -> Connection:
    return Connection(
        id=row.id,
        base_url=row.base_url or "",
        organization_id=row.organization_id,
        organization_slug=row.organization_slug,
        state=State(row.state),
        reason=Reason(row.reason) if row.reason else None,
        changed_at=row.changed_at,
        created_at=row.created_at,
        created_by=row.created_by,
        schedule=row.schedule,
        purge_after=row.purge_after,
    )

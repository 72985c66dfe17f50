"""The registry: the source of truth about connections, in an SQL database of its own."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine, LargeBinary, String, UniqueConstraint, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from include.connections.vault import Vault, open_vault
from include.settings import Settings


class UnknownConnection(Exception):
    """No connection has the given id."""


class _Base(DeclarativeBase):
    pass


class _ConnectionRow(_Base):
    __tablename__ = "connection"
    __table_args__ = (UniqueConstraint("base_url", "organization"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    base_url: Mapped[str] = mapped_column(String(255))
    organization: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime]
    token: Mapped[bytes] = mapped_column(LargeBinary)
    salt: Mapped[bytes] = mapped_column(LargeBinary)


@dataclass(frozen=True, slots=True)
class Connection:
    """A connected Sentry organization.

    Attributes:
        id: Opaque; says nothing of the customer, so it may stand in DAG ids and logs.
        base_url: Root of its Sentry server.
        organization: Its id or slug there.
    """

    id: str
    base_url: str
    organization: str


@dataclass(frozen=True, slots=True, repr=False)
class ConnectionSecrets:
    """The secrets of a connection.

    Attributes:
        token: OAuth access token.
        salt: Key of its pseudonyms.
    """

    token: str
    salt: bytes


class Registry:
    """Reads and writes connections.

    Args:
        engine: The registry's database; tables are made if need be.
        vault: Encrypts tokens and salts.
    """

    def __init__(self, engine: Engine, vault: Vault) -> None:
        self._engine = engine
        self._vault = vault
        _Base.metadata.create_all(engine)

    def connect(self, base_url: str, organization: str, token: str) -> Connection:
        """Return the connection of an organization, made if there is none yet.

        The token is replaced; id and salt stay, and with them the history and the pseudonyms.
        """
        with Session(self._engine) as session, session.begin():
            row = session.scalar(
                select(_ConnectionRow).filter_by(base_url=base_url, organization=organization)
            )
            if row is None:
                row = _ConnectionRow(
                    id=f"c{secrets.token_hex(8)}",
                    base_url=base_url,
                    organization=organization,
                    created_at=datetime.now(UTC),
                    salt=self._vault.encrypt(secrets.token_bytes(32)),
                )
                session.add(row)
            row.token = self._vault.encrypt(token.encode())
            return _connection(row)

    def live(self) -> list[Connection]:
        """Return the connections that are to be loaded, oldest first."""
        with Session(self._engine) as session:
            rows = session.scalars(select(_ConnectionRow).order_by(_ConnectionRow.created_at))
            return [_connection(row) for row in rows]

    def get(self, connection_id: str) -> Connection:
        """Return a connection.

        Raises:
            UnknownConnection: There is none with this id.
        """
        return _connection(self._row(connection_id))

    def secrets(self, connection_id: str) -> ConnectionSecrets:
        """Return a connection's secrets, for immediate use.

        Raises:
            UnknownConnection: There is none with this id.
            VaultLocked: They were encrypted with another key.
        """
        row = self._row(connection_id)
        return ConnectionSecrets(
            token=self._vault.decrypt(row.token).decode(), salt=self._vault.decrypt(row.salt)
        )

    def _row(self, connection_id: str) -> _ConnectionRow:
        with Session(self._engine) as session:
            row = session.get(_ConnectionRow, connection_id)
        if row is None:
            raise UnknownConnection(
                f"There is no connection {connection_id} in the registry. If it should be there, "
                "check that CORVANA_DATA_DIR is the folder it was made in."
            )
        return row


def open_registry(settings: Settings) -> Registry:
    """Return the registry that the settings name.

    Raises:
        DataDirUnusable: The data folder cannot be written.
    """
    settings.usable_data_dir()
    engine = create_engine(f"sqlite:///{settings.registry_path}")
    return Registry(engine, open_vault(settings.encryption_keys, settings.key_path))


def _connection(row: _ConnectionRow) -> Connection:
    return Connection(id=row.id, base_url=row.base_url, organization=row.organization)

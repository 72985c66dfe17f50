"""The registry's database: SQLite by default, Postgres by address."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection as SqlConnection
from sqlalchemy import Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session

from include.connections.models import REVISION
from include.locks import waiting

MIGRATIONS = Path(__file__).with_name("migrations")

BUSY_S = 30
"""How long one process waits for another's write to end."""

_MIGRATION_LOCK = 727_001
"""Postgres' number for the lock under which tables are made."""


class InvalidRegistryUrl(Exception):
    """The registry's address is none that SQLAlchemy understands."""


class RegistryTooNew(InvalidRegistryUrl):
    """The registry's tables were made by a newer version of the software."""


class Database:
    """Sessions of the registry's database, whose tables are brought up to date first.

    Args:
        url: SQLAlchemy's address of it.
        lock: A file that is locked while tables are made in SQLite.

    Raises:
        InvalidRegistryUrl: There is no such database.
        RegistryTooNew: Its tables are of a newer version.
    """

    def __init__(self, url: str, lock: Path) -> None:
        try:
            self.engine = _engine(url)
        except ImportError:
            raise InvalidRegistryUrl(
                "CORVANA_REGISTRY_URL names a database whose driver is not installed. Use "
                "postgresql+psycopg://user:password@host/database, and install the extra that it "
                "needs: pip install 'corvana-sentry[postgres]'."
            ) from None
        except ArgumentError:
            raise InvalidRegistryUrl(
                "CORVANA_REGISTRY_URL is no address of a database: use "
                "postgresql+psycopg://user:password@host/database, or leave it out for SQLite."
            ) from None
        self._lock = lock
        if self._revision() != REVISION:
            self._migrate()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Yield a session that changes nothing."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Yield a session in a transaction that is committed if the block ends well.

        In SQLite it is the only writer from the start, so what it reads is what it changes; in
        Postgres rows are locked where they are read (`with_for_update`).
        """
        writer = self.engine.execution_options(corvana_begin="BEGIN IMMEDIATE")
        with Session(writer, expire_on_commit=False) as session, session.begin():
            yield session

    def _revision(self) -> str | None:
        with self.engine.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            revision: str | None = connection.scalar(
                text("select version_num from alembic_version")
            )
            return revision

    def _migrate(self) -> None:
        """Run the migrations that are missing; of several processes one does, the others wait."""
        if self.engine.dialect.name == "sqlite":
            with waiting(self._lock), self.engine.begin() as connection:
                _upgrade(connection)
            return
        with self.engine.begin() as connection:
            connection.execute(text("select pg_advisory_xact_lock(:id)"), {"id": _MIGRATION_LOCK})
            _upgrade(connection)


def _upgrade(connection: SqlConnection) -> None:
    # Half a second to import, and needed once in a registry's life.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError:
        raise RegistryTooNew(
            "The registry's tables were made by a newer version of corvana-sentry than this one, "
            "and cannot go back: update what runs here, or restore a backup of the registry from "
            "before the update."
        ) from None


def _engine(url: str) -> Engine:
    if make_url(url).get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True, hide_parameters=True)
    # What is stored is nothing for messages of errors.
    engine = create_engine(url, connect_args={"timeout": BUSY_S}, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def connected(connection: object, _record: object) -> None:
        # Transactions are begun by us, below, and what is deleted is overwritten.
        connection.isolation_level = None  # type: ignore[attr-defined]
        connection.execute("PRAGMA secure_delete = ON")  # type: ignore[attr-defined]
        connection.execute("PRAGMA foreign_keys = ON")  # type: ignore[attr-defined]

    @event.listens_for(engine, "begin")
    def begun(connection: SqlConnection) -> None:
        options = connection.get_execution_options()
        connection.exec_driver_sql(options.get("corvana_begin", "BEGIN"))

    return engine

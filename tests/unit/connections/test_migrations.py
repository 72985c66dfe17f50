"""The registry's tables: made by migrations alone, and with what an older version left."""

import logging
import sqlite3
from datetime import UTC, datetime
from threading import Barrier, Thread

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from include.connections.database import MIGRATIONS, InvalidRegistryUrl, RegistryTooNew
from include.connections.models import REVISION, Base
from include.connections.registry import AlreadyConnected, open_registry
from include.connections.states import State
from include.settings import DataDirUnusable, Settings
from tests.unit.connections.conftest import GRANT, SCOPES, SENTRY

LEGACY = """
    CREATE TABLE connection (
        id VARCHAR(32) NOT NULL,
        base_url VARCHAR(255) NOT NULL,
        organization VARCHAR(255) NOT NULL,
        created_at DATETIME NOT NULL,
        token BLOB NOT NULL,
        salt BLOB NOT NULL,
        PRIMARY KEY (id),
        UNIQUE (base_url, organization)
    )
"""
"""As SQLAlchemy made it before there were migrations."""


def test_the_newest_migration_is_the_one_the_code_expects():
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    script = ScriptDirectory.from_config(config)
    assert script.get_heads() == [REVISION]
    assert script.get_bases() == ["0001"]


def test_migrations_make_the_tables_of_the_models(registry):
    with registry.database.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, Base.metadata) == []
        assert not inspect(connection).has_table("connection")


def test_connections_of_an_older_version_are_taken_over(tmp_path):
    key = Fernet.generate_key()
    settings = Settings(data_dir=tmp_path, encryption_keys=key.decode())
    with sqlite3.connect(settings.registry_path) as old:
        old.execute(LEGACY)
        row = (
            "c00000000000000aa",
            "https://us.sentry.io",
            "acme",
            "2026-09-01 10:00:00.000000",
            Fernet(key).encrypt(b"a token"),
            Fernet(key).encrypt(b"s" * 32),
        )
        old.execute("insert into connection values (?, ?, ?, ?, ?, ?)", row)
    old.close()
    registry = open_registry(settings)
    (connection,) = registry.all()
    assert (connection.id, connection.base_url) == ("c00000000000000aa", "https://us.sentry.io")
    assert (connection.state, connection.schedule) == (State.CONNECTED, "hourly")
    assert (connection.organization_id, connection.organization) == (None, "acme")
    assert connection.created_at == datetime(2026, 9, 1, 10, tzinfo=UTC)
    secrets = registry.tokens.of(connection.id)
    assert (secrets.token, secrets.salt, secrets.scopes) == ("a token", b"s" * 32, SCOPES)
    assert (secrets.refresh_token, secrets.expires_at) == (None, None)
    (written,) = registry.transitions(connection.id)
    assert (written.actor, written.from_state, written.to_state) == (
        "migration",
        None,
        State.CONNECTED,
    )
    # Its first load tells the organization's id, and then it cannot be connected twice.
    registry.see(connection.id, "1", "acme")
    assert registry.get(connection.id).organization_id == "1"
    begun = registry.begin("https://us.sentry.io", GRANT, "ada")
    with pytest.raises(AlreadyConnected):
        registry.connect(begun.id, "1", "acme", "ada")
    assert inspect(registry.database.engine).has_table("connection") is False


def test_of_several_processes_that_start_at_once_one_makes_the_tables(settings):
    barrier, failures = Barrier(4), []

    def start():
        barrier.wait()
        try:
            open_registry(settings).begin(SENTRY, GRANT, "ada")
        except Exception as failure:  # noqa: BLE001 - shown by the test
            failures.append(failure)

    threads = [Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(open_registry(settings).all()) == 4


def test_a_registry_in_postgres_is_chosen_by_its_address(new_database, tmp_path):
    address = new_database()
    settings = Settings(data_dir=tmp_path, registry_url=address)
    open_registry(settings).begin(SENTRY, GRANT, "ada")
    assert not settings.registry_path.exists()
    with create_engine(address).connect() as connection:
        assert connection.scalar(text("select count(*) from connections")) == 1


@pytest.mark.parametrize("address", ["not an address", "nosuch://host/database", "mysql://u@h/d"])
def test_an_address_of_no_database_is_one_sentence(tmp_path, address):
    settings = Settings(data_dir=tmp_path, registry_url=SecretStr(address))
    with pytest.raises(InvalidRegistryUrl, match="postgresql\\+psycopg://"):
        open_registry(settings)


def test_a_data_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    current = Settings(data_dir=tmp_path / "file" / "data")
    with pytest.raises(DataDirUnusable, match=r"cannot be written .*CORVANA_DATA_DIR"):
        open_registry(current)


def test_a_relative_data_folder_is_the_same_for_every_process(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert Settings(data_dir="here").data_dir == tmp_path / "here"


def test_messages_of_the_database_hold_nothing_that_was_to_be_stored(registry, caplog):
    caplog.set_level(logging.DEBUG)
    with pytest.raises(SQLAlchemyError) as caught, registry.database.writing() as session:
        session.execute(text("insert into nowhere values (:secret)"), {"secret": "t0ps3cret"})
    assert "t0ps3cret" not in str(caught.value) + caplog.text


def test_a_block_that_fails_changes_nothing(registry):
    def fail():
        with registry.database.writing() as session:
            session.execute(text("delete from alembic_version"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with registry.database.reading() as session:
        assert session.scalar(text("select version_num from alembic_version")) == REVISION


def test_a_registry_of_a_newer_version_is_left_alone_with_a_sentence(settings):
    opened = open_registry(settings).database.engine
    with opened.begin() as connection:
        connection.execute(text("update alembic_version set version_num = '9999'"))
    opened.dispose()
    with pytest.raises(RegistryTooNew, match="by a newer version of corvana-sentry than this"):
        open_registry(settings)
    with create_engine(settings.registry_address).connect() as connection:
        assert connection.scalar(text("select version_num from alembic_version")) == "9999"

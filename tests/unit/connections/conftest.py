"""Registries to try things with: one in SQLite and one in Postgres."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from socket import socket
from tempfile import mkdtemp
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import create_engine, text

from include.connections.registry import Registry, open_registry
from include.connections.tokens import Grant
from include.settings import Settings

SCOPES = frozenset({"event:read", "org:read", "project:read"})
GRANT = Grant("access-one", "refresh-one", None, SCOPES)
SENTRY = "https://sentry.io"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a server with nothing in it, which is gone afterwards."""
    if not shutil.which("initdb") or not shutil.which("pg_ctl"):
        pytest.skip("Postgres is not installed (initdb, pg_ctl)")
    folder = Path(mkdtemp(prefix="corvana-postgres-", dir="/tmp"))
    folder.chmod(0o755)
    # Postgres refuses to be run by root.
    is_root = os.geteuid() == 0
    as_user = ["runuser", "-u", "postgres", "--"] if is_root else []
    if is_root:
        try:
            shutil.chown(folder, "postgres")
        except LookupError:
            pytest.skip("Postgres refuses to be run by root, and there is no user postgres")
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = folder / "data"
    options = f"-F -h 127.0.0.1 -p {port} -k {folder}"

    def run(*command: str) -> None:
        subprocess.run([*as_user, *command], check=True, capture_output=True, cwd=folder)

    run("initdb", "-D", str(data), "-A", "trust", "-U", "postgres", "--no-sync")
    run("pg_ctl", "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield f"postgresql+psycopg://postgres@127.0.0.1:{port}"
    finally:
        run("pg_ctl", "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(folder)


@pytest.fixture
def new_database(postgres):
    """Make empty databases in Postgres, and return their addresses."""
    made = []

    def make() -> str:
        name = f"d{uuid4().hex}"
        engine = create_engine(f"{postgres}/postgres", isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"create database {name}"))
        engine.dispose()
        made.append(name)
        return f"{postgres}/{name}"

    return make


@pytest.fixture(params=["sqlite", "postgres"])
def settings(request, tmp_path) -> Settings:
    key = Fernet.generate_key().decode()
    options = {"data_dir": tmp_path / "data", "encryption_keys": key}
    if request.param == "postgres":
        options["registry_url"] = request.getfixturevalue("new_database")()
    return Settings(**options)


@pytest.fixture
def registry(settings) -> Iterator[Registry]:
    opened = open_registry(settings)
    yield opened
    opened.database.engine.dispose()

"""A Postgres of the tests' own: started with nothing in it, and gone afterwards."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

import psycopg
import pytest

from tests.ports import free_port

PASSWORD = "c4n4ry-p4ssw0rd"
"""Of the server's only role; must be nowhere but where a test puts it."""

DEBIAN = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        port: On this machine.
        data: Its data folder.
    """

    port: int
    data: Path

    def address(self, database: str = "postgres", driver: str = "postgresql") -> str:
        """Return the address of a database, with the password."""
        return f"{driver}://postgres:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def make(self, database: str) -> str:
        """Make a database, if need be, and return its address."""
        with psycopg.connect(self.address(), autocommit=True) as server:
            found = server.execute("select 1 from pg_database where datname = %s", [database])
            if found.fetchone() is None:
                server.execute(f'create database "{database}"')
        return self.address(database)

    def holding(self, needle: str, address: str) -> list[str]:
        """Return the names of the files of a database's tables and indexes that hold some bytes.

        What is in the write-ahead log is overwritten later.
        """
        with psycopg.connect(address, autocommit=True) as database:
            (oid,) = database.execute(
                "select oid from pg_database where datname = current_database()"
            ).fetchall()[0]
            database.execute("checkpoint")
        files = (self.data / "base" / str(oid)).iterdir()
        return [file.name for file in files if needle.encode() in file.read_bytes()]


@contextmanager
def running() -> Iterator[Server]:
    """Start a server, or skip the test where it is not installed."""
    programs = {name: _program(name) for name in ("initdb", "pg_ctl")}
    if None in programs.values():
        pytest.skip("Postgres is not installed (initdb, pg_ctl)")
    folder = Path(mkdtemp(prefix="corvana-postgres-", dir="/tmp"))
    folder.chmod(0o755)
    # Postgres refuses to be run by root.
    is_root = os.geteuid() == 0
    as_user = ["runuser", "-u", "postgres", "--"] if is_root else []
    (folder / "password").write_text(PASSWORD)
    if is_root:
        try:
            shutil.chown(folder, "postgres")
        except LookupError:
            pytest.skip("Postgres refuses to be run by root, and there is no user postgres")
    server = Server(free_port(), folder / "data")
    options = f"-F -h 127.0.0.1 -p {server.port} -k {folder}"

    def run(name: str, *arguments: str) -> None:
        command = [*as_user, str(programs[name]), "-D", str(server.data), *arguments]
        subprocess.run(command, check=True, capture_output=True, cwd=folder)

    password = f"--pwfile={folder / 'password'}"
    run("initdb", "-A", "scram-sha-256", password, "-U", "postgres", "--no-sync")
    (folder / "password").unlink()
    run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield server
    finally:
        run("pg_ctl", "-m", "immediate", "stop")
        shutil.rmtree(folder)


def _program(name: str) -> str | None:
    """Return a program of Postgres, which Debian does not put into the path."""
    path = os.pathsep.join([os.environ.get("PATH", ""), *map(str, reversed(DEBIAN))])
    return shutil.which(name, path=path)

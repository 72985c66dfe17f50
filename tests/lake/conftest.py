"""Lakes: one Postgres for all tests, and for each a database and a folder of its own."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest

from include import tasks
from include.connections.registry import Connection, Registry, open_registry
from include.sandbox.generate import DEFAULT_NOW, generate
from include.sandbox.server import Running
from include.sandbox.server import running as sandbox_running
from include.settings import PROJECT_ROOT, Settings
from include.warehouse.backend import warehouse_of
from tests.backends import lake_settings, variables
from tests.connected import connected
from tests.postgres import Server
from tests.postgres import running as postgres_running
from tests.purge.planting import PLANTED, planted

QUICK = {"sentry_max_requests_per_second": 5000, "sentry_concurrency": 4}


@pytest.fixture(scope="module")
def postgres() -> Iterator[Server]:
    with postgres_running() as server:
        yield server


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    with sandbox_running(planted(generate(seed=21, now=DEFAULT_NOW, issues=80))) as up:
        yield up


@dataclass(frozen=True)
class Installation:
    """A data folder, Airflow's logs, a temporary folder and a lake."""

    settings: Settings
    registry: Registry
    sandbox: Running
    postgres: Server
    airflow: Path
    temporary: Path

    def connect(self) -> Connection:
        slug = f"{PLANTED}-lumen-goods"
        return connected(self.registry, self.sandbox.base_url, slug, self.sandbox.token)

    def twin(self, folder: Path) -> "Installation":
        """Return another installation, which knows the same organization."""
        current = lake_settings(folder, self.postgres.address(), **QUICK)
        return replace(self, settings=current, registry=open_registry(current))

    def warehouse(self, connection: Connection):
        return warehouse_of(self.settings, connection.id)

    def holding(self, needle: str) -> list[Path]:
        roots = (self.settings.data_dir, self.airflow, self.temporary)
        files = [path for root in roots for path in root.rglob("*") if path.is_file()]
        return [path for path in files if needle.encode() in path.read_bytes()]

    @property
    def catalogs(self) -> str:
        return self.settings.lake_catalog_url.get_secret_value()

    def in_catalogs(self, needle: str) -> list[str]:
        return self.postgres.holding(needle, self.catalogs)

    def schemas(self) -> list[str]:
        with psycopg.connect(self.catalogs) as catalogs:
            found = catalogs.execute("select nspname from pg_namespace where nspname ~ '^lake_'")
            return [name for (name,) in found.fetchall()]

    def start(self, task: str, point: str, connection: Connection) -> subprocess.Popen[str]:
        """Start a task in a process of its own and return when it is at its point."""
        own = {"AIRFLOW_HOME": str(self.airflow), "TMPDIR": str(self.temporary)}
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.purge.worker", task, point, connection.id],
            cwd=PROJECT_ROOT,
            env=os.environ | variables(self.settings) | own,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for line in process.stdout:
            if line == "here\n":
                return process
        pytest.fail("it ended before it was there")


def go_on(process: subprocess.Popen[str]) -> str:
    """Let a task go on, and return how it ended; nothing if it was killed."""
    with suppress(BrokenPipeError):
        process.stdin.write("\n")
        process.stdin.flush()
    lines = process.stdout.read().strip().splitlines()
    process.wait(60)
    return lines[-1] if lines else ""


@pytest.fixture
def options() -> dict[str, object]:
    """Other settings than those of a lake whose data is in a folder."""
    return {}


@pytest.fixture
def installation(postgres, sandbox, options, tmp_path, monkeypatch) -> Installation:
    airflow, temporary = tmp_path / "airflow", tmp_path / "tmp"
    (airflow / "logs").mkdir(parents=True)
    temporary.mkdir()
    monkeypatch.setenv("AIRFLOW_HOME", str(airflow))
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.delenv("AIRFLOW__LOGGING__BASE_LOG_FOLDER", raising=False)
    monkeypatch.setattr("include.purge.airflow_api.airflow_connection", lambda name: None)
    monkeypatch.setattr("include.warehouse.publishing.READERS_FINISH_S", 0.0)
    current = lake_settings(tmp_path / "data", postgres.address(), **{**QUICK, **options})
    monkeypatch.setattr(tasks, "settings", lambda: current)
    return Installation(current, open_registry(current), sandbox, postgres, airflow, temporary)

"""A registry of its own for each test, with connections in any state."""

import secrets
import sqlite3
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from include.connections.registry import Registry, open_registry
from include.connections.tokens import Grant
from include.purge.airflow_api import AirflowApi
from include.settings import Settings
from include.warehouse.backend import warehouse_of
from include.warehouse.publishing import publish
from tests.backends import in_lakes, settings_in, writing

GRANT = Grant(
    access_token="an-access-token",
    refresh_token="a-refresh-token",
    expires_at=None,
    scopes=frozenset({"event:read", "org:read", "project:read"}),
)


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Nobody reads what is published here."""
    monkeypatch.setattr("include.warehouse.publishing.READERS_FINISH_S", 0.0)


@pytest.fixture
def current(tmp_path) -> Settings:
    return settings_in(tmp_path / "data")


@pytest.fixture
def registry(current) -> Registry:
    return open_registry(current)


@pytest.fixture
def connect(registry):
    """Return a function that makes a connected connection."""

    def make(slug="acme-corp", organization_id=None, base_url="https://sentry.io"):
        begun = registry.begin(base_url, GRANT, "admin")
        number = organization_id or str(4_500_000_000_000_000 + secrets.randbelow(10**12))
        return registry.connect(begun.id, number, slug, "admin")

    return make


@dataclass(frozen=True)
class Installation:
    """Data, Airflow's logs and a temporary folder, as a process with these variables sees them."""

    settings: Settings
    registry: Registry
    airflow: Path
    temporary: Path

    def load(self, connection, name="acme", rows=50, **fill):
        """Make what loads, builds and publishing make of a connection, with telling values."""
        make(self.settings, connection.id, name, rows, **fill)
        logs = self.airflow / "logs" / f"dag_id=sentry_load__{connection.id}" / "run_id=r1"
        logs.mkdir(parents=True, exist_ok=True)
        (logs / "attempt=1.log").write_text(f"organization '{name}-c4n4ry' was read\n")

    def everything(self, connection):
        """All files of a connection, with a hash of each."""
        roots = (self.settings.data_dir, self.airflow)
        files = [path for root in roots for path in root.rglob("*") if path.is_file()]
        mine = [path for path in files if connection.id in str(path)]
        return {path: sha256(path.read_bytes()).hexdigest() for path in mine}

    def holding(self, needle):
        """All files that hold some bytes, in any place."""
        roots = (self.settings.data_dir, self.airflow, self.temporary)
        files = [path for root in roots for path in root.rglob("*") if path.is_file()]
        return [path for path in files if needle.encode() in path.read_bytes()]


@pytest.fixture
def installation(current, registry, tmp_path, monkeypatch) -> Installation:
    airflow, temporary = tmp_path / "airflow", tmp_path / "tmp"
    (airflow / "logs" / "scheduler").mkdir(parents=True)
    (airflow / "logs" / "scheduler" / "latest.log").write_text("nothing of interest\n")
    with sqlite3.connect(airflow / "airflow.db") as database:
        database.execute("create table log (event text)")
    temporary.mkdir()
    monkeypatch.setenv("AIRFLOW_HOME", str(airflow))
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.delenv("AIRFLOW__LOGGING__BASE_LOG_FOLDER", raising=False)
    monkeypatch.setattr("include.purge.airflow_api.airflow_connection", lambda name: None)
    return Installation(current, registry, airflow, temporary)


TABLES = """
    create schema raw; create schema staging; create schema marts;
    create table raw.organizations as select '1234' as id, '{name}-c4n4ry' as slug;
    create table raw.projects as select i::varchar as id, '{name}-c4n4ry-project-' || i as slug
        from range({rows} // 10 + 1) t(i);
    create table raw.environments as select '1' as id, '{name}-c4n4ry-stage' as name;
    create table raw.releases as
        select i as id, '{name}-c4n4ry@1.2.' || i as version from range({rows}) t(i);
    create table raw.issues as select (4500000000 + i)::varchar as id,
        '{name}-c4n4ry-' || i as short_id,
        md5('{name}' || i % 30) as assignee_key from range({rows}) t(i);
    create table raw.issue_activities as
        select i as id, md5('{name}' || i % 30) as actor_key from range({rows}) t(i);
    create table raw.load_runs as select md5('run {name}' || i) as run_id from range(3) t(i);
    create table marts.release_stability as select version, id from raw.releases;
    create table marts.error_frequency as select short_id, id from raw.issues;
"""


def make(settings, connection_id, name, rows):
    with writing(settings, connection_id) as database:
        database.execute(TABLES.format(name=name, rows=rows))
    warehouse = warehouse_of(settings, connection_id)
    publish(warehouse, settings.published_dir, connection_id, timedelta(hours=2))
    if not in_lakes:
        spilled = warehouse.path.with_name(f"{warehouse.path.name}.tmp")
        spilled.mkdir()
        (spilled / "duckdb_temp_storage-0.tmp").write_bytes(f"{name}-c4n4ry@1.2.1".encode())
    work = settings.work_dir(connection_id) / "sentry" / "load" / "loaded"
    work.mkdir(parents=True)
    (work / "a.parquet").write_bytes(f"rows of {name}-c4n4ry@1.2.2".encode())


class Api:
    """Airflow's API, which has one DAG."""

    def __init__(self):
        self.dags = 1

    def count(self, dag_id):
        return {"DAGs": self.dags} if self.dags else {}

    def delete_dag(self, dag_id):
        self.dags = 0

    def pause(self, dag_id):
        pass

    def end_runs(self, dag_id):
        return 0


@pytest.fixture
def api(monkeypatch):
    """An API of Airflow that can be asked, which it cannot be otherwise."""
    fake = Api()
    monkeypatch.setattr(AirflowApi, "open", lambda settings: fake)
    return fake

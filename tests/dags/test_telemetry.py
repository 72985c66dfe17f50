"""What a run tells of itself: metrics to a StatsD server, and lineage as OpenLineage events."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

from dlt_sources.sentry.tables import TABLES
from include import metrics, watching
from include.connections.registry import open_registry
from include.connections.states import Reason
from include.published.layout import VIEWS
from include.settings import Settings, settings
from include.transform.build import BuildFailed
from tests.connected import connected
from tests.dags.test_watching import age

HOUR = timedelta(hours=1)


class StatsD:
    """Notes what it is sent."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**20)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.2)
        self.port = self._socket.getsockname()[1]

    def got(self) -> dict[str, tuple[float, str]]:
        """What of ours was sent since the last time: the value and its kind, by name."""
        found = {}
        while True:
            try:
                packet = self._socket.recv(4096).decode()
            except TimeoutError:
                return found
            for line in packet.splitlines():
                name, _, rest = line.partition(":")
                value, kind = rest.split("|")[:2]
                if name.startswith("airflow.corvana."):
                    found[name.removeprefix("airflow.corvana.")] = (float(value), kind)


@contextmanager
def statsd_server() -> Iterator[StatsD]:
    """Set metrics up as Airflow does in the process of a task."""
    from airflow.sdk.observability import stats  # noqa: PLC0415
    from airflow.sdk.observability.metrics import stats_utils  # noqa: PLC0415

    def initialize() -> None:
        stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=True)

    server = StatsD()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__METRICS__STATSD_ON", "True")
        patch.setenv("AIRFLOW__METRICS__STATSD_HOST", "127.0.0.1")
        patch.setenv("AIRFLOW__METRICS__STATSD_PORT", str(server.port))
        initialize()
        yield server
    initialize()


@pytest.fixture
def statsd(airflow):
    with statsd_server() as server:
        yield server


@dataclass
class Told:
    """What one run of a connection's DAG told."""

    metrics: dict[str, tuple[float, str]]
    events: list[dict]


@pytest.fixture(scope="module")
def told(airflow, connection, tmp_path_factory) -> Told:
    from airflow.dag_processing.dagbag import DagBag  # noqa: PLC0415

    file: Path = tmp_path_factory.mktemp("lineage") / "events"
    transport = {"type": "file", "log_file_path": str(file), "append": True}
    dag = DagBag().dags[f"sentry_load__{connection.id}"]
    with pytest.MonkeyPatch.context() as patch, statsd_server() as server:
        patch.setenv("AIRFLOW__OPENLINEAGE__TRANSPORT", json.dumps(transport))
        assert dag.test().state == "success"
        return Told(server.got(), [json.loads(line) for line in file.read_text().splitlines()])


def published(query):
    with duckdb.connect(str(settings().published_dir / VIEWS), read_only=True) as views:
        return {value for (value,) in views.sql(query).fetchall()}


def test_a_runs_metrics_are_what_its_report_says(told, connection):
    report = open_registry(settings()).reports.of(connection.id)
    got = told.metrics
    assert got["load.requests"] == (report.requests, "c")
    assert got["load.issues"][0] > 0
    assert got["load.waited"] == (pytest.approx(report.waited_s * 1000, abs=1), "ms")
    assert got["publish.rows"] == (sum(report.published.values()), "c")
    for step in ("load", "build", "publish"):
        value, kind = got[f"{step}.duration"]
        assert kind == "ms"
        assert value > 10
    assert not any(connection.id in name for name in got)


def test_a_runs_lineage_leads_from_raw_tables_to_published_marts(told, connection):
    with_data = [one for one in told.events if one.get("inputs") or one.get("outputs")]
    by_task = {one["job"]["name"].rpartition(".")[2]: one for one in with_data}
    assert set(by_task) == {"load", "build", "publish"}
    load, build, publish = (by_task[task] for task in ("load", "build", "publish"))
    marts = published("select view_name from duckdb_views() where not internal")

    def of(schema, tables):
        return {(f"corvana://{connection.id}", f"{schema}.{table}") for table in tables}

    def names(datasets):
        return {(one["namespace"], one["name"]) for one in datasets}

    assert names(load["inputs"]) == set()
    assert names(load["outputs"]) == names(build["inputs"]) == of("raw", TABLES)
    assert names(build["outputs"]) == names(publish["inputs"]) == of("marts", marts)
    assert names(publish["outputs"]) == of("published", marts)


def test_nothing_collected_is_told(told, sandbox):
    text = json.dumps(told.events) + json.dumps(told.metrics)
    collected = published(
        "select project_slug from dim_project union select release_version from dim_release"
    )
    assert len(collected) > 10
    for value in (*collected, "lumen-goods", sandbox.token, sandbox.base_url):
        assert value not in text
    assert "sourceCode" not in text


def test_without_a_transport_nothing_of_lineage_is_imported():
    code = (
        "import sys; from include import lineage; lineage.built('c0');"
        "print([m for m in sys.modules if m.startswith('openlineage')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_what_a_load_did(statsd):
    did = SimpleNamespace(seconds=12.5, waited_s=3.25, requests=601, issues_read=540)
    metrics.loaded("c0", did)
    assert statsd.got() == {
        "load.duration": (12500, "ms"),
        "load.waited": (3250, "ms"),
        "load.requests": (601, "c"),
        "load.issues": (540, "c"),
    }


def test_how_all_connections_are(statsd, tmp_path, monkeypatch):
    current = Settings(data_dir=tmp_path)
    monkeypatch.setattr(watching, "settings", lambda: current)
    registry = open_registry(current)
    made = [connected(registry, "https://sentry.io", f"shop-{n}", "a-token") for n in range(6)]
    registry.lose(made[0].id, Reason.REVOKED, "tests")
    for one in made[1:3]:
        registry.disconnect(one.id, "tests")
    age(registry, made[1], changed=5 * HOUR)
    age(registry, made[3], changed=90 * HOUR, published=9 * HOUR)
    registry.disconnect(made[4].id, "tests")
    registry.purged(made[4].id, "tests")
    watching.measure()
    got = statsd.got()
    assert {name: value for name, (value, _) in got.items() if "connections" in name} == {
        "connections.connecting": 0,
        "connections.connected": 2,
        "connections.disconnected": 1,
        "connections.disconnecting": 2,
    }
    assert {kind for _, kind in got.values()} == {"g"}
    assert got["purges.pending_seconds"][0] == pytest.approx(5 * 3600, abs=30)
    assert 8 * 3600 - 30 <= got["loads.overdue_seconds"][0] <= 9 * 3600


def test_a_step_that_fails_sends_no_duration(statsd):
    with pytest.raises(BuildFailed), metrics.timed("build", "c0"):
        raise BuildFailed("A model failed.")
    with metrics.timed("purge", "c0"):
        pass
    assert set(statsd.got()) == {"purge.duration"}

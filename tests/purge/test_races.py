"""Disconnected in the midst of something: it ends, writes nothing more, all is deleted."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import psutil
import pytest

from include.connections.leases import Busy
from include.connections.models import LeaseRow, SecretsRow
from include.connections.registry import open_registry
from include.connections.states import State
from include.connections.tokens import Grant, NoSecrets
from include.purge.checking import check_due
from include.purge.purging import purge
from include.purge.receipts import open_receipts
from include.sandbox.generate import DEFAULT_NOW, generate
from include.sandbox.server import running
from include.settings import PROJECT_ROOT
from include.warehouse.backend import warehouse_of
from tests.backends import in_lakes, settings_in, variables, writing
from tests.connected import connected
from tests.purge.planting import PLANTED, planted

pytestmark = pytest.mark.purge


class Worker:
    """A task in a process of its own."""

    def __init__(self, installation, task, point, connection):
        own = {
            **variables(installation.settings),
            "AIRFLOW_HOME": str(installation.airflow),
            "TMPDIR": str(installation.temporary),
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.purge.worker", task, point, connection.id],
            cwd=PROJECT_ROOT,
            env=os.environ | own,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def wait_until_there(self):
        for line in self.process.stdout:
            if line == "here\n":
                return
        pytest.fail("it ended before it was there")

    def go_on(self):
        with suppress(BrokenPipeError):  # it has ended by itself
            self.process.stdin.write("\n")
            self.process.stdin.flush()

    def outcome(self):
        """The last line, which says how the task ended; nothing if it was killed."""
        lines = self.process.stdout.read().strip().splitlines()
        self.process.wait(60)
        return lines[-1] if lines else ""

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        with suppress(BrokenPipeError):
            self.process.stdin.close()


@pytest.fixture(scope="module")
def sandbox():
    with running(planted(generate(seed=21, now=DEFAULT_NOW, issues=150))) as up:
        yield up


@pytest.fixture(scope="module")
def loaded(sandbox, tmp_path_factory):
    """A warehouse that was loaded once, with marts that take no time to build."""
    data = tmp_path_factory.mktemp("loaded")
    settings = settings_in(data / "data")
    connection = connected(
        open_registry(settings), sandbox.base_url, f"{PLANTED}-lumen-goods", sandbox.token
    )
    own = {**variables(settings), "AIRFLOW_HOME": str(data / "airflow")}
    done = subprocess.run(
        [sys.executable, "-m", "tests.purge.worker", "load", "-", connection.id],
        cwd=PROJECT_ROOT,
        env=os.environ | own,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.endswith("done\n"), done.stdout
    with writing(settings, connection.id) as database:
        database.execute(
            "create schema marts;"
            "create table marts.release_stability as from raw.releases;"
            "create table marts.error_frequency as from raw.issues;"
            "create table marts.resolution_time as from raw.issue_activities"
        )
    return settings, connection.id


def copy_warehouse(settings, connection_id, loaded):
    """Give a connection the warehouse of another one."""
    source, source_id = loaded
    if not in_lakes:
        settings.warehouse_dir.mkdir(parents=True)
        file = source.warehouse_dir / f"{source_id}.duckdb"
        shutil.copy(file, settings.warehouse_dir / f"{connection_id}.duckdb")
        return
    with (
        warehouse_of(source, source_id).open_for_reading() as read,
        writing(settings, connection_id) as written,
    ):
        written.execute("create schema raw; create schema marts; create schema raw_staging")
        tables = "select schema_name, table_name from duckdb_tables() where database_name = $1"
        for schema, table in read.execute(tables, ["warehouse"]).fetchall():
            rows = read.execute(f'from "{schema}"."{table}"').to_arrow_table()
            written.register("rows", rows)
            written.execute(f'create table "{schema}"."{table}" as from rows')


@pytest.fixture
def two(installation, registry, sandbox, connect, loaded):
    """The connection that is to go, with what it has loaded, and another one."""
    one = connected(registry, sandbox.base_url, f"{PLANTED}-lumen-goods", sandbox.token)
    copy_warehouse(installation.settings, one.id, loaded)
    other = connect("umbrella")
    installation.load(other, "umbrella")
    return one, other


@pytest.fixture
def start(installation):
    """Return a function that starts a worker and waits until it is at its point."""
    workers = []

    def run(task, point, connection):
        worker = Worker(installation, task, point, connection)
        workers.append(worker)
        worker.wait_until_there()
        return worker

    yield run
    for worker in workers:
        worker.end()


def purged(installation, one):
    return purge(installation.settings, installation.registry, one.id)


def everything_is_gone(installation, one, other, untouched):
    assert installation.registry.get(one.id).state is State.PURGED
    assert installation.everything(one) == {}
    assert installation.holding(PLANTED) == []
    assert installation.everything(other) == untouched
    assert installation.registry.get(other.id).state is State.CONNECTED
    assert check_due(installation.settings, installation.registry) == []


@pytest.mark.parametrize(
    ("task", "point"),
    [("load", "extract"), ("load", "load"), ("build", "dbt"), ("publish", "publish")],
    ids=["extract", "dlt's load step", "dbt", "publish"],
)
def test_disconnected_in_the_midst_of_it(installation, two, start, task, point):
    one, other = two
    untouched = installation.everything(other)
    worker = start(task, point, one)
    installation.registry.disconnect(one.id, "admin")
    began = time.monotonic()
    with ThreadPoolExecutor() as pool:
        running_purge = pool.submit(purged, installation, one)
        time.sleep(1)
        worker.go_on()
        receipt = running_purge.result(60)
    took = time.monotonic() - began
    outcome = worker.outcome()
    assert outcome.startswith("AirflowSkipException: The connection is "), outcome
    assert "was under way, was told to stop and did" in receipt.steps[0].note
    assert took < 20
    everything_is_gone(installation, one, other, untouched)


@pytest.mark.parametrize(
    ("task", "point"),
    [("load", "load"), ("publish", "publish")],
    ids=["dlt's load step", "publish"],
)
def test_what_does_not_stop_is_ended(installation, two, start, monkeypatch, task, point):
    monkeypatch.setattr("include.purge.steps.fence.ENDS_ITSELF_S", 0.5)
    one, other = two
    untouched = installation.everything(other)
    worker = start(task, point, one)
    installation.registry.disconnect(one.id, "admin")
    receipt = purged(installation, one)
    assert "did not stop and was ended" in receipt.steps[0].note
    # dlt puts off the first signal until a package is loaded.
    assert worker.process.wait(10) in {-signal.SIGTERM, -signal.SIGKILL}
    everything_is_gone(installation, one, other, untouched)


def test_dbt_does_not_outlive_the_task_that_started_it(installation, two, start):
    one, other = two
    untouched = installation.everything(other)
    worker = start("build", "dbt", one)
    (dbt,) = psutil.Process(worker.process.pid).children()
    worker.process.kill()
    worker.process.wait()
    dbt.wait(10)
    installation.registry.disconnect(one.id, "admin")
    purged(installation, one)
    everything_is_gone(installation, one, other, untouched)


@pytest.mark.parametrize(
    ("task", "point"),
    [("load", "load"), ("publish", "publish")],
    ids=["dlt's load step", "publish"],
)
def test_a_late_writer_on_another_machine_brings_nothing_back(
    installation, registry, two, start, monkeypatch, task, point
):
    """It cannot be ended from here: its lease is broken, and what it leaves is found."""
    monkeypatch.setattr("include.purge.steps.fence.ELSEWHERE_S", 0.5)
    one, other = two
    untouched = installation.everything(other)
    worker = start(task, point, one)
    with registry.database.writing() as session:
        session.get_one(LeaseRow, one.id).host = "another-machine"
    registry.disconnect(one.id, "admin")
    receipt = purged(installation, one)
    assert "its lease was broken" in receipt.steps[0].note
    assert installation.everything(one) == {}
    worker.go_on()
    assert worker.outcome() != "done"
    later = datetime.now(UTC) + timedelta(hours=1, seconds=1)
    check_due(installation.settings, registry, later)
    everything_is_gone(installation, one, other, untouched)


def test_two_purges_at_once(installation, two):
    one, other = two
    untouched = installation.everything(other)
    installation.registry.disconnect(one.id, "admin")

    def run(_number):
        try:
            return purge(installation.settings, open_registry(installation.settings), one.id).hash
        except Busy as busy:
            return str(busy)

    with ThreadPoolExecutor() as pool:
        outcomes = list(pool.map(run, range(3)))
    (receipt,) = open_receipts(installation.registry).all()
    busy = [outcome for outcome in outcomes if outcome != receipt.hash]
    assert len(busy) < 3
    assert all(re.match("Another process .*(deleting|purge)", outcome) for outcome in busy)
    everything_is_gone(installation, one, other, untouched)


def test_a_renewal_under_way_does_not_bring_tokens_back(installation, registry, connect):
    one = connect("acme-c4n4ry")
    installation.load(one, "acme")
    secrets = registry.tokens.of(one.id)
    claim = registry.tokens.claim(one.id, secrets.generation)
    registry.disconnect(one.id, "admin")
    with pytest.raises(NoSecrets, match="was disconnected"):
        registry.tokens.settle(claim, Grant("new", "new too", None, secrets.scopes))
    purged(installation, one)
    with registry.database.reading() as session:
        assert session.get(SecretsRow, one.id) is None
    assert installation.holding("acme-c4n4ry") == []


def test_connected_again_at_once_while_the_old_one_is_purged(
    installation, registry, two, sandbox, start
):
    """The new connection loads the same organization at the same time, and keeps all of it."""
    one, other = two
    untouched = installation.everything(other)
    registry.disconnect(one.id, "admin")
    again = connected(registry, sandbox.base_url, f"{PLANTED}-lumen-goods", sandbox.token)
    worker = start("load", "load", again)
    receipt = purged(installation, one)
    worker.go_on()
    assert worker.outcome() == "done"
    assert receipt.verification.is_clean
    assert installation.everything(one) == {}
    assert warehouse_of(installation.settings, again.id).exists()
    assert installation.everything(other) == untouched

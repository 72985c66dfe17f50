"""The DAG that purges: real runs in a real Airflow, with its REST API over HTTP."""

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from datetime import timedelta
from hashlib import sha256

import duckdb
import pytest

from include.connections.states import State
from include.purge import alarms
from include.purge.receipts import open_receipts
from include.purge.starting import start_purge
from include.sandbox.generate import DEFAULT_NOW, generate
from include.sandbox.server import running
from include.settings import PROJECT_ROOT, settings
from tests.connected import connected
from tests.dags.airflow_server import airflow_server
from tests.purge.planting import PLANTED, planted


@pytest.fixture(scope="module")
def server(airflow):
    with airflow_server(settings().data_dir.parent) as address:
        yield address


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    """Temporary files of this test alone: the purge searches those of its user."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def purge_dag(airflow):
    from airflow.dag_processing.dagbag import DagBag  # noqa: PLC0415

    bag = DagBag()
    assert not bag.import_errors
    return bag.dags["sentry_purge"]


@pytest.fixture
def run_purge(purge_dag):
    """Return a function that runs the DAG, without retries and alerts (`dag.test` knows none)."""
    purge_dag.deadline = None
    for task in purge_dag.tasks:
        task.retries = 0
    return lambda conf=None: purge_dag.test(run_conf=conf)


@pytest.fixture(scope="module")
def world():
    """A sandbox of an organization in which everything that people named is a canary."""
    organization = planted(generate(seed=21, now=DEFAULT_NOW, issues=150))
    with running(organization) as sandbox:
        yield sandbox


@pytest.fixture
def doomed(registry, world):
    connection = connected(registry, world.base_url, f"{PLANTED}-lumen-goods", world.token)
    yield connection
    registry.disconnect(connection.id, "tests")


def states(run):
    return {ti.task_id: ti.state for ti in run.get_task_instances()}


def home():
    return settings().data_dir.parent


def files_of(connection):
    found = [path for path in home().rglob("*") if connection.id in str(path) and path.is_file()]
    return {path: sha256(path.read_bytes()).hexdigest() for path in found}


def rows_naming(text):
    """The tables of Airflow's database, but for the audit log, with rows that hold a text."""
    found = {}
    with sqlite3.connect(home() / "airflow" / "airflow.db") as database:
        names = database.execute("select name from sqlite_master where type = 'table'").fetchall()
        for (table,) in names:
            rows = database.execute(f'select * from "{table}"').fetchall()
            if table != "log" and (count := sum(text in str(row) for row in rows)):
                found[table] = count
    return found


def dump():
    with sqlite3.connect(home() / "airflow" / "airflow.db") as database:
        return "\n".join(database.iterdump())


def test_its_shape(purge_dag):
    tasks = {task.task_id: task for task in purge_dag.topological_sort()}
    assert {*tasks} == {"find", "purge", "check", "alarm"}
    # A last task that always runs would make a run succeed in which a purge failed.
    assert {task.task_id for task in purge_dag.leaves} == {"purge", "check", "alarm"}
    assert not purge_dag.catchup
    assert purge_dag.tags == {"domain:sentry", "impact:tier-1"}
    limits = [one.interval for one in purge_dag.deadline]
    assert limits == [timedelta(hours=12), timedelta(hours=24)]
    assert {one.callback.path for one in purge_dag.deadline} == {
        "include.purge.alarms.purge_is_late"
    }
    for heading in ("Disconnect by a run", "If it fails", "Can it wait?", "Receipts"):
        assert f"**{heading}" in purge_dag.doc_md


def test_parsing_it_imports_nothing_heavy():
    code = (
        "import sys, runpy; runpy.run_path('dags/sentry_purge.py');"
        "print([m for m in ('dlt', 'dbt', 'pandas', 'pyarrow', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT_ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_nothing_of_a_purged_connection_is_left_and_nothing_of_another_is_touched(
    server, registry, run_of, run_purge, doomed, world, connection, monkeypatch
):
    """With a failed load, a retried one and reports behind it."""
    if not files_of(connection):
        assert run_of(connection).state == "success"
    assert run_of(doomed).state == "success"
    world.clock.advance(timedelta(days=1).total_seconds())
    with monkeypatch.context() as patch:
        patch.setattr("dlt.load.load.Load.complete_package", lambda *_, **__: 1 / 0)
        assert run_of(doomed).state == "failed"
    with monkeypatch.context() as patch:  # what takes long has been done once
        patch.setattr("include.tasks.build_marts", lambda *_: None)
        assert run_of(doomed).state == "success"
    assert registry.reports.of(doomed.id).rows
    marts = settings().published_dir / "corvana.duckdb"
    with duckdb.connect(str(marts), read_only=True) as views:
        query = "select count(*) from release_stability where connection_id = ?"
        assert views.execute(query, [doomed.id]).fetchone()[0] > 5
    assert any(PLANTED.encode() in path.read_bytes() for path in files_of(doomed))
    assert {"dag", "dag_run", "task_instance"} <= rows_naming(doomed.id).keys()
    untouched = files_of(connection)
    assert len(untouched) > 8

    asked = {"connection_id": doomed.id, "disconnect": True}
    run = run_purge(asked)
    assert states(run) == dict.fromkeys(["find", "purge", "check", "alarm"], "success")
    assert registry.get(doomed.id).state is State.PURGED
    *_, ended, deleted = registry.transitions(doomed.id)
    assert (ended.actor, ended.reason) == ("dag_test", "run of sentry_purge")
    assert (deleted.actor, deleted.to_state) == ("purge", State.PURGED)
    (receipt,) = open_receipts(registry).of(doomed.id)
    assert receipt.verification.is_clean
    assert receipt.verification.words > 30
    steps = {step.step: step for step in receipt.steps}
    assert all(step.is_done for step in steps.values()), steps["airflow_records"]
    assert steps["airflow_records"].deleted["runs"] == 3
    assert steps["airflow_records"].deleted["task instances"] == 12
    assert steps["task_logs"].deleted.keys() == {"files", "bytes"}
    assert steps["warehouse"].deleted["rows"] > 1000
    assert PLANTED not in receipt.to_json() + receipt.to_html()

    assert files_of(doomed) == {}
    everywhere = [path for path in home().rglob("*") if path.is_file()]
    assert [path for path in everywhere if PLANTED.encode() in path.read_bytes()] == []
    assert PLANTED not in dump()
    # What is left names runs of the purge itself, by the opaque id.
    assert rows_naming(f"sentry_load__{doomed.id}") == {}
    assert files_of(connection) == untouched


def test_a_lost_trigger_is_made_up_for_by_the_schedule(server, registry, run_purge, doomed):
    registry.disconnect(doomed.id, "admin")
    assert run_purge().state == "success"
    assert registry.get(doomed.id).state is State.PURGED
    again = run_purge({"connection_id": doomed.id})
    assert again.state == "success"
    assert len(open_receipts(registry).of(doomed.id)) == 1


def test_without_airflows_api_the_data_goes_and_the_receipt_says_what_is_open(
    registry, run_purge, doomed, run_of, monkeypatch, server
):
    wrong = {"conn_type": "http", "host": "127.0.0.1", "port": 9, "login": "x", "password": "y"}
    with monkeypatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_AIRFLOW_API", json.dumps(wrong))
        registry.disconnect(doomed.id, "admin")
        assert run_purge().state == "success"
    assert registry.get(doomed.id).state is State.PURGED
    (receipt,) = open_receipts(registry).of(doomed.id)
    assert not receipt.steps[-1].is_done
    assert "cannot be reached or does not answer" in receipt.steps[-1].note
    assert run_purge().state == "success"
    assert open_receipts(registry).of(doomed.id)[0].steps[0].is_done


@pytest.mark.parametrize(
    ("conf", "sentence"),
    [
        ({"connection_id": "c0123456789abcdef"}, "There is no connection c0123456789abcdef"),
        ({"disconnect": True}, "Name the connection_id"),
    ],
    ids=["unknown", "none named"],
)
def test_a_wrong_configuration_fails_with_a_sentence(run_purge, capfd, conf, sentence):
    run = run_purge(conf)
    assert run.state == "failed"
    assert sentence in "".join(capfd.readouterr())


def test_a_connection_in_use_is_not_purged_by_a_mere_run(registry, run_purge, connection, capfd):
    run = run_purge({"connection_id": connection.id})
    assert run.state == "failed"
    assert "is connected, and its data in use" in "".join(capfd.readouterr())
    assert registry.get(connection.id).state is State.CONNECTED


@pytest.mark.parametrize("wrong", ["../c1", "C0123456789ABCDEF", 7])
def test_what_is_no_id_starts_no_run(run_purge, wrong):
    from airflow.exceptions import ParamValidationError  # noqa: PLC0415

    with pytest.raises(ParamValidationError, match="connection_id"):
        run_purge({"connection_id": wrong})


def test_what_is_overdue_is_told(registry, run_purge, doomed, monkeypatch, capfd):
    monkeypatch.setattr("include.purge.tasks.purging.purge", lambda *_: 1 / 0)
    monkeypatch.setattr(alarms.overdue, "__defaults__", (timedelta(0),))
    registry.disconnect(doomed.id, "admin")
    run = run_purge()
    assert states(run)["alarm"] == "failed"
    assert f"The connection {doomed.id} was disconnected 0 hours ago" in "".join(capfd.readouterr())


def test_a_purge_is_started_from_outside_of_airflow(server, registry, doomed, monkeypatch):
    from airflow.models.dagrun import DagRun  # noqa: PLC0415

    registry.disconnect(doomed.id, "admin")
    assert start_purge(settings(), doomed.id)
    queued = [run.conf for run in DagRun.find(dag_id="sentry_purge") if run.state == "queued"]
    assert {"connection_id": doomed.id} in queued
    monkeypatch.delenv("AIRFLOW_CONN_AIRFLOW_API")
    assert not start_purge(settings(), doomed.id)

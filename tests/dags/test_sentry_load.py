"""The DAG of a connection: its shape, and real runs of it, good and bad."""

import os
import sqlite3
import subprocess
import sys
import time
from datetime import timedelta

import duckdb
import pytest

from include.connections.registry import open_registry
from include.report.store import REPORT
from include.sandbox.generate import DEFAULT_NOW, generate
from include.sandbox.server import running
from include.settings import PROJECT_ROOT, settings
from tests.canary_scan import leaks, never_at_rest
from tests.connected import connected

MARTS = {
    "release_stability",
    "assignment_pattern",
    "resolution_time",
    "error_frequency",
    "project_error_rate",
}


def published(connection, mart):
    with duckdb.connect(settings().published_dir / "corvana.duckdb", read_only=True) as views:
        query = f'select * exclude (as_of) from "{mart}" where connection_id = ? order by all'
        return views.execute(query, [connection.id]).fetchall()


def test_every_connection_has_a_dag_that_says_who_owns_it_and_what_to_do(dag_of, connection):
    dag = dag_of(connection)
    tasks = [task.task_id for task in dag.topological_sort()]
    assert tasks == ["load", "build", "publish", "go_on"]
    assert dag.max_active_runs == 1
    assert not dag.catchup
    assert dag.tags == {"domain:sentry", "impact:tier-2"}
    for heading in ("History still loading", "Load a range again", "If it fails"):
        assert f"**{heading}.**" in dag.doc_md
    assert dag.dagrun_timeout == timedelta(hours=6)
    for task in dag.tasks:
        assert task.owner == "data-platform"
        assert task.retries == 3
        assert task.retry_exponential_backoff
        assert task.execution_timeout
        assert not task.do_xcom_push
        assert not task.operator_extra_links  # they are kept in XCom


def test_a_connection_that_was_begun_is_finished_before_another_one_begins(dag_of, connection):
    assert {task.weight_rule for task in dag_of(connection).tasks} == {"upstream"}


def test_ids_of_connections_say_nothing_of_the_customer(connection):
    assert connection.id[0] == "c"
    assert set(connection.id[1:]) <= set("0123456789abcdef")


def test_parsing_the_dag_file_is_quick_and_imports_nothing_heavy(connection):
    code = (
        "import sys, runpy; runpy.run_path('dags/sentry_load.py');"
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


def test_a_run_publishes_every_mart_and_the_next_one_what_changed(run_of, connection, sandbox):
    assert run_of(connection).state == "success"
    before = {mart: published(connection, mart) for mart in MARTS}
    assert all(before.values())
    (report,) = settings().published_dir.rglob(f"connection_id={connection.id}/*/{REPORT}")
    assert f"<h1>{connection.organization_slug}</h1>" in report.read_text()

    sandbox.clock.advance(timedelta(days=8).total_seconds())
    assert run_of(connection).state == "success"
    changed = {mart for mart in MARTS if published(connection, mart) != before[mart]}
    assert changed == MARTS


def warehouse_of(connection):
    return settings().warehouse_dir / f"{connection.id}.duckdb"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"token": "wrong-token"}, "Sentry rejected the access token of this connection"),
        ({"organization": "no-such"}, "does not know this connection's organization"),
        ({"base_url": "http://127.0.0.1:9"}, "cannot be reached (ConnectError). Check the address"),
    ],
    ids=["wrong token", "unknown organization", "unreachable"],
)
def test_bad_input_fails_the_load_with_one_sentence_and_writes_nothing(
    run_of, registry, sandbox, capfd, monkeypatch, changes, sentence
):
    monkeypatch.setattr("dlt_sources.sentry.client._BACKOFF", lambda _state: 0.01)
    monkeypatch.setattr("dlt_sources.sentry.sender.REPLICATION_S", 0.01)
    given = {"base_url": sandbox.base_url, "organization": f"org-{time.time_ns()}", "token": "x"}
    bad = connected(registry, **given | {"token": sandbox.token} | changes)
    assert run_of(bad).state == "failed"
    logged = "".join(capfd.readouterr())
    assert sentence in logged
    assert logged.count("Traceback") == 1  # ours alone, with no chain behind it
    assert not warehouse_of(bad).exists()
    assert not any(settings().work_dir(bad.id).rglob("*"))


def test_a_missing_scope_is_named(run_of, registry, capfd):
    organization = generate(seed=1, now=DEFAULT_NOW, issues=50)
    with running(organization, scopes=frozenset({"org:read", "project:read"})) as narrow:
        bad = connected(registry, narrow.base_url, organization.slug, narrow.token)
        assert run_of(bad).state == "failed"
    logged = "".join(capfd.readouterr())
    assert "lacks the scope event:read" in logged
    assert not warehouse_of(bad).exists()


def test_build_refuses_what_a_cut_off_load_left(connection, sandbox, monkeypatch, airflow):
    from airflow.sdk.exceptions import AirflowException, AirflowFailException  # noqa: PLC0415
    from dlt.load.load import Load  # noqa: PLC0415

    from include import tasks  # noqa: PLC0415

    sandbox.clock.advance(timedelta(days=1).total_seconds())

    def cut_off(*_args, **_kwargs):
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(Load, "complete_package", cut_off)
        with pytest.raises(AirflowException, match="the next one goes on where it stopped"):
            tasks.load(connection.id)
    with pytest.raises(AirflowFailException, match="cut off: run the task `load` again"):
        tasks.build(connection.id)
    tasks.load(connection.id)
    tasks.build(connection.id)


def test_build_and_publish_before_any_load_say_so(registry, airflow):
    from airflow.sdk.exceptions import AirflowFailException  # noqa: PLC0415

    from include import tasks  # noqa: PLC0415

    fresh = connected(registry, "https://sentry.example.com", "new", "x")
    for task in (tasks.build, tasks.publish):
        with pytest.raises(AirflowFailException, match="run the task `load` first"):
            task(fresh.id)


def test_a_connection_that_is_gone_fails_for_good(airflow):
    from airflow.sdk.exceptions import AirflowFailException  # noqa: PLC0415

    from include import tasks  # noqa: PLC0415

    with pytest.raises(AirflowFailException, match="There is no connection c404"):
        tasks.load("c404")


def test_secrets_are_encrypted_in_the_registry(registry, connection, sandbox):
    assert sandbox.token.encode() not in settings().registry_path.read_bytes()
    assert open_registry(settings()).tokens.of(connection.id).token == sandbox.token
    assert sandbox.token not in repr(registry.tokens.of(connection.id))
    assert settings().key_path.stat().st_mode & 0o777 == 0o600


def test_nothing_undeclared_is_at_rest_in_airflow_or_ours(run_of, registry, sandbox):
    """After a run: warehouse, published marts, registry, logs, and Airflow's database."""
    connection = connected(registry, sandbox.base_url, "lumen-goods", sandbox.token)
    assert run_of(connection).state == "success"
    home = settings().data_dir.parent
    with sqlite3.connect(home / "airflow" / "airflow.db") as database:
        assert database.execute("select count(*) from task_instance").fetchone()[0] >= 3
    needles = never_at_rest(generate(seed=11, now=DEFAULT_NOW, issues=50))
    assert leaks(home, [*needles, sandbox.token.encode()]) == []

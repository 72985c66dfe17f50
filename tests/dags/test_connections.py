"""The DAGs follow the registry, and the daily upkeep."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from include.connections.models import ConnectionRow, SecretsRow
from include.connections.registry import Registry
from include.connections.states import Reason, State
from include.connections.tokens import Grant
from include.sandbox.generate import DEFAULT_NOW, generate
from include.sandbox.server import running
from include.settings import PROJECT_ROOT, Settings, settings
from tests.connected import SCOPES, connected

MANY = """
import sys, time, runpy
started = time.monotonic()
found = runpy.run_path('dags/sentry_load.py')
print(sum(name.startswith('sentry_load__') for name in found), time.monotonic() - started)
"""


@pytest.fixture
def acme(registry):
    made = connected(registry, "https://sentry.io", f"acme-{datetime.now(UTC).timestamp()}", "x")
    yield made
    registry.disconnect(made.id, "tests")


def dags():
    from airflow.dag_processing.dagbag import DagBag  # noqa: PLC0415

    bag = DagBag()
    assert not bag.import_errors
    return bag.dags


def test_a_new_connection_starts_by_itself_and_then_on_its_schedule(airflow, acme, registry):
    dag = dags()[f"sentry_load__{acme.id}"]
    assert dag.timetable.run_immediately is True
    assert dag.is_paused_upon_creation is False
    assert dag.timetable.expression.endswith(" * * * *")
    registry.set_schedule(acme.id, "daily")
    minute, hour, *rest = dags()[f"sentry_load__{acme.id}"].timetable.expression.split()
    assert rest == ["*", "*", "*"]
    assert 0 <= int(minute) < 60
    assert 0 <= int(hour) < 24


def test_a_lost_connection_keeps_its_dag_without_a_schedule(airflow, acme, registry):
    registry.lose(acme.id, Reason.REVOKED, "tests")
    dag = dags()[f"sentry_load__{acme.id}"]
    assert dag.timetable.can_be_scheduled is False
    registry.reconnect(acme.id, Grant("y", None, None, SCOPES), "acme", "tests")
    assert dags()[f"sentry_load__{acme.id}"].timetable.can_be_scheduled


def test_a_connection_that_is_being_deleted_has_no_dag(airflow, acme, registry):
    registry.disconnect(acme.id, "tests")
    assert f"sentry_load__{acme.id}" not in dags()


def test_a_revoked_connection_is_noticed_and_its_next_run_skipped(run_of, registry, capfd):
    """Over real HTTP; the loads stop, and the sentence for the user is that of the page."""
    with running(generate(seed=3, now=DEFAULT_NOW, issues=50)) as sandbox:
        lost = connected(registry, sandbox.base_url, "lumen-goods", sandbox.token)
        sandbox.tokens.revoke()
        assert run_of(lost).state == "failed"
        after = registry.get(lost.id)
        assert (after.state, after.reason) == (State.DISCONNECTED, Reason.REVOKED)
        assert after.purge_after - after.changed_at == timedelta(days=30)
        capfd.readouterr()
        sent = sandbox.requests.total
        run_of(lost)
        assert "The connection is disconnected. Access was revoked in Sentry." in "".join(
            capfd.readouterr()
        )
        assert sandbox.requests.total == sent
    registry.disconnect(lost.id, "tests")


def test_a_thousand_connections_parse_in_time(tmp_path):
    """Ten seconds; Airflow itself gives up after fifty."""
    current = Settings(data_dir=tmp_path)
    from include.connections.registry import open_registry  # noqa: PLC0415

    many = open_registry(current)
    for number in range(1000):
        connected(many, "https://sentry.io", f"organization-{number}", "token")
    done = subprocess.run(
        [sys.executable, "-c", MANY],
        cwd=PROJECT_ROOT,
        env={**os.environ, "CORVANA_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    count, seconds = done.stdout.splitlines()[-1].split()
    assert int(count) == 1000
    assert float(seconds) < 10


def test_upkeep_renews_what_is_due_though_nothing_is_loaded(airflow, registry, monkeypatch):
    """A week old: renewed once. Fresh: left alone."""
    with running(generate(seed=3, now=DEFAULT_NOW, issues=50)) as sandbox:
        _know_application(monkeypatch, sandbox)
        made = registry.begin(sandbox.base_url, _granted(sandbox), "tests")
        registry.connect(made.id, "4507310012349440", "lumen-goods", "tests")
        _run("keep_tokens_alive")
        assert sandbox.requests.by_grant_type["refresh_token"] == 0
        _age(registry, made.id, SecretsRow, obtained_at=timedelta(days=8))
        _run("keep_tokens_alive")
        assert sandbox.requests.by_grant_type["refresh_token"] == 1
        assert registry.tokens.of(made.id).token == sandbox.tokens.access_token
    registry.disconnect(made.id, "tests")


def test_upkeep_ends_what_was_kept_long_enough(airflow, acme, registry):
    registry.lose(acme.id, Reason.REVOKED, "tests")
    _run("end_retention")
    assert registry.get(acme.id).state is State.DISCONNECTED
    _age(registry, acme.id, ConnectionRow, purge_after=timedelta(days=31))
    _run("end_retention")
    assert registry.get(acme.id).state is State.DISCONNECTING
    assert registry.transitions(acme.id)[-1].reason == "retention ended"


def test_upkeep_forgets_consents_without_a_choice(airflow, registry):
    made = registry.begin("https://sentry.io", Grant("a", "b", None, SCOPES), "tests")
    _run("forget_abandoned")
    assert registry.get(made.id).state is State.CONNECTING
    _age(registry, made.id, ConnectionRow, changed_at=timedelta(hours=1))
    _run("forget_abandoned")
    assert registry.get(made.id).state is State.PURGED


def test_upkeep_is_one_dag_that_says_what_it_does(airflow):
    dag = dags()["sentry_upkeep"]
    assert {"keep_tokens_alive", "end_retention", "forget_abandoned"} <= set(dag.task_ids)
    assert not dag.catchup
    assert dag.is_paused_upon_creation is False
    assert "**If it fails.**" in dag.doc_md


def _run(task_id: str) -> None:
    from include import upkeep  # noqa: PLC0415

    getattr(upkeep, task_id)()


def _granted(sandbox) -> Grant:
    pair = sandbox.tokens.grant(30 * 86400)
    return Grant(pair.access, pair.refresh, datetime.now(UTC) + timedelta(days=30), SCOPES)


def _know_application(monkeypatch, sandbox) -> None:
    host = sandbox.base_url.removeprefix("http://")
    monkeypatch.setenv(
        "AIRFLOW_CONN_SENTRY_OAUTH_APP",
        f"http://sandbox-client:sandbox-client-secret@{host}/http",
    )
    assert settings().oauth_app_conn_id == "sentry_oauth_app"


def _age(registry: Registry, connection_id: str, row: type, **ago: timedelta) -> None:
    with registry.database.writing() as session:
        found = session.get(row, connection_id)
        for name, span in ago.items():
            setattr(found, name, getattr(found, name) - span)

"""What the page asks of Airflow, tried against a real one: its models and functions may change."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from include.web import airflow
from include.web.airflow import LoadDag, Run, RunState, User

ACTOR = User("admin-1", may_connect=True, may_disconnect=True)

DAG_FILE = """
from airflow.sdk import dag, task

for name in {names}:
    @dag(dag_id=name, schedule="@hourly", catchup=False)
    def wiring():
        @task
        def nothing():
            pass
        nothing()
    globals()[name] = wiring()
"""


@pytest.fixture
def session(app):
    from airflow.utils.session import create_session  # noqa: PLC0415

    with create_session() as made:
        yield made


@pytest.fixture
def make_dags(app, tmp_path):
    """Return a function that has Airflow find DAGs, as its DAG processor would."""

    def make(*names: str) -> None:
        from airflow.dag_processing.bundles.manager import DagBundlesManager  # noqa: PLC0415
        from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db  # noqa: PLC0415

        folder = tmp_path / "dags"
        folder.mkdir(exist_ok=True)
        (folder / "some.py").write_text(DAG_FILE.format(names=list(names)))
        DagBundlesManager().sync_bundles_to_db()
        bag = BundleDagBag(dag_folder=folder, bundle_path=folder, bundle_name="dags-folder")
        assert set(bag.dags) == set(names), bag.import_errors
        sync_bag_to_db(bag, "dags-folder", None)

    return make


@pytest.fixture
def dag(make_dags, connect):
    """A connection with a DAG that is switched on; gives the connection's id."""
    connection = connect()
    make_dags(airflow.load_dag_id(connection.id))
    _pause(connection.id, is_paused=False)
    return connection.id


def _pause(connection_id, *, is_paused):
    from airflow.models.dag import DagModel  # noqa: PLC0415
    from airflow.utils.session import create_session  # noqa: PLC0415

    with create_session() as session:
        session.get(DagModel, airflow.load_dag_id(connection_id)).is_paused = is_paused


def _runs(session, dag_id):
    from airflow.models.dagrun import DagRun  # noqa: PLC0415
    from sqlalchemy import select  # noqa: PLC0415

    return list(session.scalars(select(DagRun).filter_by(dag_id=dag_id).order_by(DagRun.id)))


def _end(session, dag_id, state):
    run = _runs(session, dag_id)[-1]
    run.start_date = datetime.now(UTC) - timedelta(minutes=2)
    run._state = state
    run.end_date = datetime.now(UTC) - timedelta(minutes=1)
    session.commit()
    return run.end_date


def test_a_connection_without_a_dag(connect):
    assert airflow.load_dags([connect().id]) == {}
    assert airflow.load_dags([]) == {}


def test_a_dag_without_a_run(dag):
    assert airflow.load_dags([dag, "c0"]) == {dag: LoadDag(is_paused=False)}


def test_a_paused_dag(dag):
    _pause(dag, is_paused=True)
    assert airflow.load_dags([dag])[dag].is_paused


def test_a_stale_dag_is_none(dag, session):
    from airflow.models.dag import DagModel  # noqa: PLC0415

    session.get(DagModel, airflow.load_dag_id(dag)).is_stale = True
    session.commit()
    assert airflow.load_dags([dag]) == {}


def test_starting_a_load(dag, session):
    assert airflow.start_load(dag, ACTOR)
    (run,) = _runs(session, airflow.load_dag_id(dag))
    assert run.run_id.startswith("page__")
    assert run.triggering_user_name == "admin-1"
    assert run.conf == {}
    active = airflow.load_dags([dag])[dag].active
    assert active is not None
    assert active.state is RunState.QUEUED
    assert datetime.now(UTC) - active.since < timedelta(minutes=1)
    # Each has an id of its own.
    assert airflow.start_load(dag, ACTOR)
    assert len(_runs(session, airflow.load_dag_id(dag))) == 2


@pytest.mark.parametrize("state", ["success", "failed"])
def test_runs_that_ended(state, dag, session):
    airflow.start_load(dag, ACTOR)
    ended = _end(session, airflow.load_dag_id(dag), state)
    airflow.start_load(dag, ACTOR)
    seen = airflow.load_dags([dag])[dag]
    assert seen.last == Run(RunState(state), ended)
    assert seen.active is not None


def test_a_running_run(dag, session):
    airflow.start_load(dag, ACTOR)
    began = datetime.now(UTC) - timedelta(minutes=3)
    (run,) = _runs(session, airflow.load_dag_id(dag))
    run._state, run.start_date = "running", began
    session.commit()
    assert airflow.load_dags([dag])[dag].active == Run(RunState.RUNNING, began)


def test_a_dag_that_is_not_there_cannot_be_started_and_nothing_breaks(app, caplog):
    assert not airflow.start_load("c0", ACTOR)
    assert "could not be started: DagNotFound" in caplog.text


def test_starting_a_purge(make_dags, session, connect):
    connection = connect()
    make_dags(airflow.PURGE_DAG)
    assert airflow.start_purge(connection.id, ACTOR)
    run = _runs(session, airflow.PURGE_DAG)[-1]
    assert run.conf == {"connection_id": connection.id}


def test_health_without_anything_running(app):
    health = airflow.health()
    assert not health.scheduler
    assert not health.dag_processor
    assert health.has_dag_file


def test_health_with_everything_running(app, session):
    from airflow.jobs.job import Job  # noqa: PLC0415

    jobs = [
        Job(job_type=kind, state="running", latest_heartbeat=datetime.now(UTC))
        for kind in ("SchedulerJob", "DagProcessorJob")
    ]
    session.add_all(jobs)
    session.commit()
    health = airflow.health()
    for job in jobs:
        session.delete(job)
    session.commit()
    assert (health.scheduler, health.dag_processor) == (True, True)


def test_a_dag_file_that_cannot_be_read(app, session):
    from airflow.models.errors import ParseImportError  # noqa: PLC0415

    error = ParseImportError(
        filename="sentry_load.py", bundle_name="dags-folder", timestamp=datetime.now(UTC)
    )
    session.add(error)
    session.commit()
    assert not airflow.health().has_dag_file
    session.delete(error)
    session.commit()
    assert airflow.health().has_dag_file


@pytest.mark.parametrize("address", ["", "airflow.example", "javascript:alert(1)", "//x"])
def test_an_address_that_is_none(address, monkeypatch):
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", address)
    assert airflow.base_url() is None


def test_an_address_with_a_path(monkeypatch):
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://example.com/airflow/")
    assert airflow.base_url() == "https://example.com/airflow"


def test_the_plugin_is_in_airflows_navigation(admin):
    (plugin,) = [
        one for one in admin.get("/api/v2/plugins").json()["plugins"] if one["name"] == "corvana"
    ]
    assert {app["url_prefix"] for app in plugin["fastapi_apps"]} == {"/integrations", "/corvana"}
    entries = plugin["react_apps"]
    assert [entry["name"] for entry in entries] == ["Integrations", "Sentry reports"]
    for entry in entries:
        assert entry["destination"] == "nav"
        assert entry["nav_top_level"]
        bundle = admin.get(f"/{entry['bundle_url']}")
        assert bundle.status_code == 200
        # Airflow looks for a component of the entry's name.
        assert f"globalThis.{entry['name']}" in bundle.text or (
            f'globalThis["{entry["name"]}"]' in bundle.text
        )
    assert admin.get("/api/v2/plugins/importErrors").json()["total_entries"] == 0


def test_the_plugin_costs_other_processes_nothing():
    """Each task imports it."""
    code = (
        "import sys; import airflow.plugins_manager; before = set(sys.modules);"
        "import include.web.plugin; print(*sorted(set(sys.modules) - before))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert set(found) <= {"include", "include.web", "include.web.plugin"}


class TestThePage:
    """The same through the page's own buttons."""

    def _load(self, browser, connection_id):
        answer = browser.press(f"/integrations/sentry/{connection_id}/load")
        assert answer.headers["location"] == "/integrations/"
        return browser.message()

    def test_load_now(self, admin, dag, session):
        assert "A load of lumen-goods starts now." in self._load(admin, dag)
        assert "A load of lumen-goods waits for its turn already." in self._load(admin, dag)
        (run,) = _runs(session, airflow.load_dag_id(dag))
        run._state, run.start_date = "running", datetime.now(UTC)
        session.commit()
        assert "A load of lumen-goods is running already." in self._load(admin, dag)
        assert len(_runs(session, airflow.load_dag_id(dag))) == 1

    def test_load_now_while_paused(self, admin, dag, session):
        _pause(dag, is_paused=True)
        assert "is paused in Airflow. Switch it on there." in self._load(admin, dag)
        assert _runs(session, airflow.load_dag_id(dag)) == []
        page = admin.get("/integrations/").text
        assert "Connected – paused in Airflow" in page
        assert f'href="/dags/{airflow.load_dag_id(dag)}"' in page

    def test_load_now_before_there_is_a_dag(self, admin, connect):
        assert "starts by itself as soon as it does" in self._load(admin, connect().id)

    def test_load_now_fails(self, admin, dag, monkeypatch):
        monkeypatch.setattr(airflow, "trigger_dag", lambda *_a, **_k: 1 / 0)
        assert "Airflow did not start a load" in self._load(admin, dag)

    def test_disconnecting_starts_the_purge(self, admin, dag, make_dags, session, registry):
        make_dags(airflow.PURGE_DAG)
        admin.press(f"/integrations/sentry/{dag}/disconnect")
        assert _runs(session, airflow.PURGE_DAG)[-1].conf == {"connection_id": dag}
        assert registry.get(dag).state == "disconnecting"

    def test_disconnecting_without_a_purge_is_no_failure(self, admin, dag, registry, monkeypatch):
        monkeypatch.setattr(airflow, "trigger_dag", lambda *_a, **_k: 1 / 0)
        answer = admin.press(f"/integrations/sentry/{dag}/disconnect")
        assert answer.status_code == 303
        assert registry.get(dag).state == "disconnecting"
        assert "User settings ▸ Authorized Applications" in admin.message()
        transitions = registry.transitions(dag)
        assert (transitions[-1].actor, transitions[-1].to_state) == ("admin-1", "disconnecting")
        # A second time there is nothing to be done.
        assert admin.press(f"/integrations/sentry/{dag}/disconnect").status_code == 409
        assert admin.press(f"/integrations/sentry/{dag}/load").status_code == 409
        assert admin.get(f"/integrations/sentry/{dag}/disconnect").status_code == 409

    def test_the_question_before_it_says_what_happens(self, admin, dag, registry):
        def publish(report):
            report.published = {"resolution_time": 1234}

        registry.reports.change(dag, publish)
        page = admin.get(f"/integrations/sentry/{dag}/disconnect").text
        for words in (
            "Disconnect lumen-goods?",
            "This cannot be undone.",
            "(1,234 rows)",
            "User settings ▸ Authorized Applications",
            "Everything in Sentry: it keeps its own data.",
        ):
            assert words in page
        assert registry.get(dag).state == "connected"

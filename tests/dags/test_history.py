"""History in the DAG of a connection: read in several runs, and read again when a person asks."""

import re
from datetime import UTC, datetime

import duckdb
import pytest

from include.sandbox.generate import DEFAULT_NOW, generate
from include.sandbox.server import running
from include.settings import settings
from tests.connected import connected

NEWEST = """
    select is_backfilled, histories_read - histories_audited from raw.load_runs
    order by as_of desc, _dlt_load_id desc limit 1
"""


@pytest.fixture
def setting(monkeypatch):
    """Return a function that sets variables for this test."""

    def change(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(f"CORVANA_{name}", value)
        settings.cache_clear()

    yield change
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture
def without_marts(monkeypatch):
    """Leave out what takes long and is no matter here."""
    monkeypatch.setattr("include.tasks.build_marts", lambda *_: None)
    monkeypatch.setattr("include.tasks.publish_marts", lambda *_, **__: {})


@pytest.fixture
def fresh(registry):
    """A connection of its own, to a sandbox of its own."""
    with running(generate(seed=12, now=DEFAULT_NOW, issues=120)) as sandbox:
        yield connected(registry, sandbox.base_url, "lumen-goods", sandbox.token)


def warehouse(connection, query):
    path = settings().warehouse_dir / f"{connection.id}.duckdb"
    with duckdb.connect(str(path), read_only=True) as database:
        return database.sql(query).fetchall()


def runs(dag):
    """The type, state and configuration of each run of a DAG, and the states of its tasks."""
    from airflow.models.dagrun import DagRun  # noqa: PLC0415

    return [
        (run.run_type, run.state, run.conf, {t.task_id: t.state for t in run.get_task_instances()})
        for run in sorted(DagRun.find(dag_id=dag.dag_id), key=lambda run: run.id)
    ]


def test_a_run_that_leaves_history_starts_the_next_one_and_that_reads_the_rest(
    dag_of, run_of, fresh, setting
):
    setting(FIRST_BACKFILL_MINUTES="0.0001")
    assert run_of(fresh).state == "success"
    assert warehouse(fresh, NEWEST)[0][0] is False
    assert (settings().published_dir / "error_frequency" / f"connection_id={fresh.id}").exists()
    (_, _, _, tasks), (kind, state, conf, _) = runs(dag_of(fresh))
    assert tasks["go_on"] == "success"
    assert (kind, state, conf) == ("operator_triggered", "queued", {})

    assert run_of(fresh).state == "success"
    assert warehouse(fresh, NEWEST)[0][0] is True
    *_, (_, state, _, tasks) = runs(dag_of(fresh))
    assert (state, tasks["go_on"]) == ("success", "skipped")
    (issues,) = warehouse(fresh, "select count(*) from raw.issues")[0]
    assert issues > 50


def test_a_load_without_time_for_history_leaves_it_to_the_schedule(
    dag_of, run_of, fresh, setting, capfd, without_marts
):
    setting(FIRST_BACKFILL_MINUTES="0.0001", BACKFILL_MINUTES="0.0001")
    assert run_of(fresh).state == "success"
    assert run_of(fresh).state == "success"
    assert warehouse(fresh, NEWEST)[0][0] is False
    assert len(runs(dag_of(fresh))) == 3
    assert "No history waits to be read at once" in "".join(capfd.readouterr())


def test_a_repeated_last_task_starts_no_second_run(
    dag_of, run_of, fresh, monkeypatch, without_marts
):
    """Be it cleared by a person, or retried after an answer of Airflow was lost."""
    monkeypatch.setattr("include.tasks.goes_on", lambda _loads: True)
    moment = datetime(2026, 11, 2, 9, 17, tzinfo=UTC)
    for _ in range(2):
        assert run_of(fresh, run_after=moment, logical_date=moment).state == "success"
    kinds = [kind for kind, *_ in runs(dag_of(fresh))]
    assert kinds.count("operator_triggered") == 1


def test_a_range_is_loaded_again(run_of, fresh, caplog, without_marts):
    assert run_of(fresh).state == "success"
    assert run_of(fresh).state == "success"
    assert warehouse(fresh, NEWEST) == [(True, 0)]
    assert "again" not in caplog.text
    asked = {"from": "2026-09-20", "to": "2026-10-20"}
    assert run_of(fresh, asked).state == "success"
    assert "loading the history from 2026-09-20 to 2026-10-20 again" in caplog.text
    assert re.search(r"read [\d,]+ histories, [\d,]+ requests so far", caplog.text)
    assert re.search(r"in short: [\d,]+ issues and [\d,]+ histories read with", caplog.text)
    is_backfilled, again = warehouse(fresh, NEWEST)[0]
    assert is_backfilled
    assert again > 10


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"from": "2026-10-07", "to": "2026-10-01"}, "2026-10-07 is after 2026-10-01"),
        ({"to": "2026-01-31"}, "Sentry keeps the events of 90 days: choose days from 2026-08-"),
    ],
    ids=["reversed", "out of retention"],
)
def test_days_that_cannot_be_loaded_fail_for_good(run_of, fresh, capfd, asked, sentence):
    assert run_of(fresh, asked).state == "failed"
    logged = "".join(capfd.readouterr())
    assert "AirflowFailException" in logged
    assert sentence in logged
    assert logged.count("Traceback") == 1


@pytest.mark.parametrize("wrong", ["yesterday", "2026-02-30", 20261001])
def test_what_is_no_day_starts_no_run(dag_of, fresh, wrong):
    from airflow.exceptions import ParamValidationError  # noqa: PLC0415

    dag = dag_of(fresh)
    with pytest.raises(ParamValidationError, match="from"):
        dag.test(run_conf={"from": wrong})
    assert runs(dag) == []


def test_the_form_that_triggers_a_run_explains_the_days(dag_of, fresh):
    params = {name: dag_of(fresh).params.get_param(name) for name in ("from", "to")}
    for param in params.values():
        assert param.value is None
        assert param.schema["format"] == "date"
        assert param.schema["title"]
        assert "day to load again" in param.description

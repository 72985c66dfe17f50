"""The command `corvana`, as people call it: in a process of its own, against a sandbox."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from include.connections.leases import Kind
from include.connections.registry import open_registry
from include.sandbox.generate import DEFAULT_NOW, generate
from include.sandbox.server import running
from include.settings import PROJECT_ROOT, Settings
from tests.connected import connected


@pytest.fixture(scope="module")
def sandbox():
    with running(generate(seed=11, now=DEFAULT_NOW, issues=60)) as up:
        yield up


@pytest.fixture(scope="module")
def current(tmp_path_factory):
    return Settings(data_dir=tmp_path_factory.mktemp("cli"))


@pytest.fixture(scope="module")
def registry(current):
    return open_registry(current)


@pytest.fixture(scope="module")
def connection(registry, sandbox):
    return connected(registry, sandbox.base_url, "lumen-goods", sandbox.token)


@pytest.fixture(scope="module")
def other(registry):
    return connected(registry, "https://sentry.example.com", "acme", "other-token")


def command(current, *arguments):
    return {
        "args": [sys.executable, "-m", "include.cli", *arguments],
        "cwd": PROJECT_ROOT,
        "env": {**os.environ, "CORVANA_DATA_DIR": str(current.data_dir)},
        "stdin": subprocess.DEVNULL,
        "text": True,
    }


def corvana(current, *arguments):
    return subprocess.run(**command(current, *arguments), capture_output=True, check=False)


def loaded(current, connection, query):
    path = current.warehouse_dir / f"{connection.id}.duckdb"
    with duckdb.connect(str(path), read_only=True) as database:
        return database.sql(query).fetchall()


def test_a_load_shows_how_far_it_is_and_what_it_did(current, connection, other, sandbox, registry):
    done = corvana(current, "load", connection.id[:6], "--requests-per-second", "none")
    assert done.returncode == 0, done.stderr
    assert "requests to Sentry" in done.stdout
    assert "issue_activities" in done.stdout
    assert " histories, " in done.stderr
    assert " requests so far" in done.stderr
    assert loaded(current, connection, "select is_backfilled from raw.load_runs") == [(True,)]
    secrets = registry.tokens.of(connection.id)
    for secret in (sandbox.token, secrets.salt.hex(), str(secrets.salt)):
        assert secret not in done.stdout + done.stderr


def test_days_are_loaded_again(current, connection, other):
    """All issues with events on these days, although nothing has changed since the last load."""
    arguments = ("load", connection.id, "--requests-per-second", "none")
    query = """
        select histories_read - histories_audited from raw.load_runs
        order by as_of desc, _dlt_load_id desc limit 1
    """
    for _ in range(2):
        assert corvana(current, *arguments).returncode == 0
    assert loaded(current, connection, query) == [(0,)]
    again = corvana(current, *arguments, "--from", "2026-09-20", "--to", "2026-10-20")
    assert again.returncode == 0, again.stderr
    assert loaded(current, connection, query)[0][0] > 5


def test_one_load_of_a_connection_at_a_time(current, registry, connection, other):
    with registry.leases.held(connection.id, Kind.LOAD):
        busy = corvana(current, "load", connection.id)
    assert busy.returncode == 1
    assert busy.stderr.startswith(f"Another process ({os.getpid()}) is working on this connection")


@pytest.mark.parametrize(
    ("given", "sentences"),
    [
        (["c404"], ["No connection begins with 'c404'. These are there:", "lumen-goods", "acme"]),
        (["c"], ["More than one connection begins with 'c'.", "lumen-goods", "acme"]),
        ([], ["Name a connection. These are there:", "lumen-goods", "acme"]),
        (["--from", "yesterday"], ["'yesterday' is no day: write one like 2026-10-01."]),
        (["--from", "2026-10-07", "--to", "2026-10-01"], ["2026-10-07 is after 2026-10-01"]),
        (["--requests-per-second", "0"], ["'0' is neither a number above 0 nor none"]),
    ],
    ids=["unknown", "ambiguous", "missing", "no day", "reversed", "no rate"],
)
def test_a_wrong_command_line_says_what_is_possible(current, connection, other, given, sentences):
    wrong = corvana(current, "load", *given)
    assert wrong.returncode == 2
    assert "usage: corvana load" in wrong.stderr
    assert all(sentence in wrong.stderr for sentence in sentences)
    assert "other-token" not in wrong.stderr


def test_without_any_connection_it_says_how_to_get_one(tmp_path):
    alone = corvana(Settings(data_dir=tmp_path), "load", "c1")
    assert alone.returncode == 2
    assert f"no connection in {tmp_path} yet: connect an organization on the page" in alone.stderr


@pytest.mark.parametrize(
    ("arguments", "variables", "sentence"),
    [
        (["--from", "2025-01-01", "--to", "2025-01-02"], {}, "Sentry keeps the events of 90 days"),
        ([], {"CORVANA_SENTRY_CONCURRENCY": "many"}, "CORVANA_SENTRY_CONCURRENCY is 'many'"),
    ],
    ids=["out of retention", "wrong setting"],
)
def test_a_failure_is_one_sentence(current, connection, other, arguments, variables, sentence):
    started = command(current, "load", connection.id, *arguments)
    started["env"] |= variables
    failed = subprocess.run(**started, capture_output=True, check=False)
    assert failed.returncode == 1
    assert failed.stdout == ""
    assert failed.stderr.startswith(sentence)
    assert failed.stderr.count("\n") == 1


def test_a_server_that_tokens_may_not_be_sent_to_is_named(current, connection, other):
    failed = corvana(current, "load", other.id)
    assert failed.returncode == 1
    assert "'sentry.example.com' is no address of a Sentry server" in failed.stderr
    assert "CORVANA_SENTRY_HOSTS" in failed.stderr
    assert "other-token" not in failed.stderr
    assert "Traceback" not in failed.stderr


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_it_at_once_and_loses_nothing(current, registry, ending):
    """In the midst of the first load; the next one goes on, and the working folder is empty."""
    with running(generate(seed=11, now=DEFAULT_NOW, issues=60)) as slow:
        fresh = connected(registry, slow.base_url, "lumen-goods", slow.token)
        arguments = ("load", fresh.id, "--requests-per-second")
        with subprocess.Popen(
            **command(current, *arguments, "20"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            work_dir = current.work_dir(fresh.id)
            deadline = time.monotonic() + 60
            while not any(work_dir.rglob("*")) and time.monotonic() < deadline:
                time.sleep(0.05)
            process.send_signal(ending)
            interrupted = time.monotonic()
            _, printed = process.communicate(timeout=60)
        assert time.monotonic() - interrupted < 5
        assert process.returncode == 130
        assert "Interrupted. Nothing that was committed is lost" in printed
        assert "Traceback" not in printed
        assert not any(path.is_file() for path in work_dir.rglob("*"))
        assert corvana(current, *arguments, "none").returncode == 0


def test_it_starts_without_airflow_and_dlt():
    code = (
        "import sys, include.cli;"
        "print([m for m in ('airflow', 'dlt', 'dbt', 'pyarrow') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_the_command_is_installed():
    installed = Path(sys.executable).with_name("corvana")
    shown = subprocess.run(
        [installed, "load", "--help"], capture_output=True, text=True, check=True
    )
    assert all(o in shown.stdout for o in ("--from DAY", "--to DAY", "--requests-per-second N"))

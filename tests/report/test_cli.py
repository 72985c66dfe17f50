"""`corvana report`: the report as a file of one's own."""

import os
import subprocess
import sys
from datetime import timedelta

import duckdb
import pytest

from include.connections.registry import open_registry
from include.report.store import REPORT
from include.settings import PROJECT_ROOT, Settings
from include.warehouse.publishing import publish
from tests.connected import connected


class Warehouse:
    """As much of one as publishing needs."""

    def __init__(self, files):
        self.files = files

    def open_for_reading(self):
        database = duckdb.connect()
        database.execute("create schema marts")
        for name, file in self.files.items():
            database.execute(f"create table marts.{name} as from read_parquet('{file}')")
        return database


@pytest.fixture(scope="module")
def current(tmp_path_factory):
    return Settings(data_dir=tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def connection(current):
    return connected(open_registry(current), "https://sentry.io", "lumen-goods", "a token", "4507")


@pytest.fixture(scope="module")
def published(current, connection, files):
    publish(Warehouse(files), current.published_dir, connection.id, timedelta(0))
    return connection


def corvana(current, *arguments, cwd=PROJECT_ROOT, **env):
    return subprocess.run(
        [sys.executable, "-m", "include.cli", "report", *arguments],
        cwd=cwd,
        env={
            **os.environ,
            "CORVANA_DATA_DIR": str(current.data_dir),
            "PYTHONPATH": str(PROJECT_ROOT),
            **env,
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_before_anything_is_published_it_says_what_to_do(tmp_path):
    empty = Settings(data_dir=tmp_path)
    made = connected(open_registry(empty), "https://sentry.io", "lumen-goods", "a token")
    told = corvana(empty, made.id[:6])
    assert told.returncode == 1
    assert f"Let its DAG sentry_load__{made.id} run" in told.stderr
    assert told.stderr.count("\n") == 1


def test_a_file_is_written_and_opened(current, published, tmp_path):
    """With a browser that writes down what it is asked to open."""
    asked = tmp_path / "asked"
    done = corvana(
        current, "--open", cwd=tmp_path, BROWSER=f"{sys.executable} -c "
        f"\"import sys,pathlib;pathlib.Path('{asked}').write_text(sys.argv[1])\" %s",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    file = tmp_path / done.stdout.strip()
    assert file.name.startswith("sentry-report-lumen-goods-2")
    assert "<h1>lumen-goods</h1>" in file.read_text()
    assert asked.read_text() == file.as_uri()


def test_the_report_that_was_made_with_the_marts_is_taken(current, published):
    from include.published import current as generation_of  # noqa: PLC0415

    folder = generation_of(current.published_dir, published.id).folder
    (folder / REPORT).write_text("the very one")
    try:
        assert corvana(current, published.id, "--output", "-").stdout == "the very one"
    finally:
        (folder / REPORT).unlink()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("zzz",), "No connection begins with 'zzz'"),
        (("--output", "/nowhere/at/all.html"), "Name another file with --output"),
    ],
)
def test_what_cannot_be_is_one_sentence(arguments, said, current, published):
    told = corvana(current, *arguments)
    assert told.returncode == 1
    assert said in told.stderr
    assert "Traceback" not in told.stderr

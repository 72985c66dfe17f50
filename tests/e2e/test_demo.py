"""`make demo` as a newcomer meets it: a real Airflow, and what is at rest afterwards."""

import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import duckdb
import psutil
import pytest

from include.sandbox.generate import DEFAULT_NOW, generate
from include.settings import PROJECT_ROOT
from tests.canary_scan import leaks, never_at_rest
from tests.ports import free_port

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

MARTS = (
    "release_stability",
    "assignment_pattern",
    "resolution_time",
    "error_frequency",
    "project_error_rate",
)


def demo(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the demo in a data folder of its own, and wait until it has ended by itself."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AIRFLOW", "CORVANA"))
    }
    return subprocess.run(
        [sys.executable, "-m", "include.demo", "--once", *options],
        cwd=PROJECT_ROOT,
        env={**inherited, "CORVANA_DATA_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def ports() -> list[str]:
    return ["--airflow-port", str(free_port()), "--sandbox-port", str(free_port())]


def task_log(folder: Path, task: str) -> str:
    """The text of the latest log of a task."""
    logs = folder.glob(f"airflow/logs/dag_id=*/run_id=*/task_id={task}/attempt=*.log")
    latest = max(logs, key=lambda path: path.stat().st_mtime)
    entries = map(json.loads, latest.read_text().splitlines())
    return "\n".join(str(entry.get("event", "")) for entry in entries)


def marts(folder: Path) -> dict[str, list[tuple]]:
    with duckdb.connect(str(folder / "published" / "corvana.duckdb"), read_only=True) as views:
        return {
            mart: views.sql(f"select * exclude (as_of) from {mart} order by all").fetchall()
            for mart in MARTS
        }


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def servers() -> list[str]:
    """The ports of all runs in that folder: the organization is connected under its address."""
    return ports()


@pytest.fixture(scope="module")
def first(folder, servers) -> subprocess.CompletedProcess[str]:
    return demo(folder, *servers)


def test_it_ends_well_and_shows_every_mart(first):
    assert first.returncode == 0, first.stdout + first.stderr
    for title in (
        "Release stability",
        "Assignment patterns",
        "Resolution times",
        "Error frequency",
        "Project error rates",
        "user admin, password",
        "Allowed in the sandbox's consent page",
        "report.html  (the page Sentry reports)",
        "started by itself",
    ):
        assert title in first.stdout


def test_the_first_load_is_within_its_budgets(first, folder):
    """At least 5,000 issues, two minutes from the consent to marts, 500 MB for the load."""
    assert int(re.search(r"Published, (\d+) s after Allow", first.stdout)[1]) <= 120
    log = task_log(folder, "load")
    assert int(re.search(r"([\d,]+) issues read", log)[1].replace(",", "")) >= 5000
    assert int(re.search(r"peak memory (\d+) MB", log)[1]) < 500
    assert re.search(r"[\d,]+ requests to Sentry, .* waited", log)
    told = r"[\d,]+ issues and [\d,]+ histories read with [\d,]+ requests in \d+ s"
    assert re.search(told, first.stdout)
    assert "Older history is still to be read" not in first.stdout


def test_nothing_undeclared_is_at_rest(first, folder):
    """In the warehouse, what is published, every log, and Airflow's database."""
    organization = generate(seed=42, now=DEFAULT_NOW, issues=50)
    needles = never_at_rest(organization)
    assert list(folder.glob("airflow/logs/**/*.log"))
    with sqlite3.connect(folder / "airflow" / "airflow.db") as database:
        assert database.execute("select count(*) from task_instance").fetchone()[0] >= 3
        pushed = database.execute("select dag_id, task_id, value from xcom").fetchall()
    # Every ten minutes a run lists the connections to purge, of which there is none.
    assert {tuple(one) for one in pushed} <= {("sentry_purge", "find", "[]")}
    assert leaks(folder, needles) == []
    assert not any(path.is_file() for path in (folder / "work").rglob("*"))


def test_tokens_are_at_rest_only_encrypted(first, folder):
    """Those of the consent, which the sandbox keeps in its own file, and the client secret."""
    state = folder / "sandbox.json"
    (granted,) = json.loads(state.read_text())["tokens"]
    needles = [granted["access"].encode(), granted["refresh"].encode(), b"sandbox-client-secret"]
    assert leaks(folder, needles) == [f"{state}: {needle!r}" for needle in needles[:2]]


def test_everything_it_started_has_ended(first, folder):
    environments = (process.info["environ"] or {} for process in psutil.process_iter(["environ"]))
    assert not [one for one in environments if one.get("CORVANA_DATA_DIR") == str(folder)]


def test_the_second_run_after_a_day_changes_every_mart(first, folder, servers):
    before = marts(folder)
    second = demo(folder, *servers, "--advance", "24")
    assert second.returncode == 0, second.stdout + second.stderr
    after = marts(folder)
    assert [mart for mart in MARTS if before[mart] == after[mart]] == []


def test_a_taken_port_is_named_with_the_way_out(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        failed = demo(tmp_path, "--airflow-port", str(port), "--sandbox-port", str(free_port()))
    assert failed.returncode == 1
    assert f"Port {port} is taken." in failed.stdout
    assert f'make demo ARGS="--airflow-port {port + 1}"' in failed.stdout


def test_a_data_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    failed = demo(tmp_path / "file" / "data", *ports())
    assert failed.returncode == 1
    assert "cannot be written" in failed.stdout
    assert "CORVANA_DATA_DIR" in failed.stdout

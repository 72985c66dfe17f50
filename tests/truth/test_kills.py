"""A load that is killed at any moment loses nothing: the next one ends with the truth."""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from dlt_sources.sentry.context import Budget
from dlt_sources.sentry.tables import TABLES
from include.sandbox.generate import DEFAULT_NOW, generate
from include.sandbox.server import running
from include.settings import PROJECT_ROOT
from tests.integration.conftest import SALT, Connection
from tests.integration.test_loads import contents

KILLS = 20

pytestmark = [pytest.mark.truth, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def sandboxed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    organization = generate(seed=41, now=DEFAULT_NOW, issues=300)
    with running(organization) as sandbox:
        yield Connection(
            organization, sandbox, tmp_path_factory.mktemp("kills"), budget=Budget(audit=0)
        )


def start(connection: Connection) -> subprocess.Popen[str]:
    """Start a load in a process of its own and return when it has begun."""
    command = [sys.executable, "-m", "tests.truth.one_load", str(connection.folder)]
    command += [connection.sandbox.base_url, connection.organization.slug]
    command += [connection.sandbox.token, SALT.hex()]
    process = subprocess.Popen(command, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


def kill_at(connection: Connection, seconds: float) -> bool:
    """Kill a load after so many seconds; return whether it was still at work."""
    process = start(connection)
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.stdout is not None
    return process.stdout.read() != "ended\n"


def duration(connection: Connection) -> float:
    """Return how long an undisturbed load takes in a process of its own."""
    process = start(connection)
    begun = time.monotonic()
    assert process.wait() == 0
    return time.monotonic() - begun


def duplicates(connection: Connection) -> list[str]:
    found = []
    with connection.warehouse.open_for_reading() as database:
        for name, table in TABLES.items():
            key = ", ".join(f'"{column}"' for column in table.primary_key)
            query = f"select 1 from raw.{name} group by {key} having count(*) > 1"
            found += [name for _ in database.sql(query).fetchall()]
    return found


def assert_same_but_better_known(found: dict, expected: dict) -> None:
    """Compare tables. A history that is read again can show more, but never less.

    The next load reads all histories of which a slice that was cut off left parts, those of
    untouched issues too, and sees what was done and undone between two loads.
    """
    for table in ("issue_activities", "issue_histories"):
        keys = [{row[0] for row in tables.pop(table)} for tables in (found, expected)]
        assert keys[0] >= keys[1], table
    assert found == expected


def test_a_load_that_is_killed_at_any_moment_is_continued_by_the_next(sandboxed, tmp_path):
    """Half of the kills hit a first load, half a later one."""
    dice = random.Random(20)
    twin = replace(sandboxed, folder=tmp_path / "twin")
    first_s = duration(twin)
    later = replace(sandboxed, folder=tmp_path / "later")
    later.load()
    later_s, hit = first_s / 2, 0
    for number in range(KILLS // 2):
        killed = replace(sandboxed, folder=tmp_path / f"first{number}")
        hit += kill_at(killed, dice.uniform(0.02, 1) * first_s)
        killed.load()
        undisturbed = replace(sandboxed, folder=tmp_path / f"undisturbed{number}")
        undisturbed.load()
        assert duplicates(killed) == []
        assert_same_but_better_known(contents(killed), contents(undisturbed))

        sandboxed.advance(hours=dice.uniform(2, 12))
        hit += kill_at(later, dice.uniform(0.02, 1) * later_s)
        later.load()
        began = time.monotonic()
        twin.load()
        later_s = max(time.monotonic() - began, 0.5)
        assert duplicates(later) == []
        found, expected = contents(later), contents(twin)
        # When its counters were read depends on the loads before; its state does not.
        assert len(found.pop("issues")) == len(expected.pop("issues"))
        assert_same_but_better_known(found, expected)
        states = "select id, status, assignee_key, count, tombstone from raw.issues order by 1"
        assert later.rows(states) == twin.rows(states)
    assert hit >= KILLS * 0.7

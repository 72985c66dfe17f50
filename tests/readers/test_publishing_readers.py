"""Two hundred readers, three connections that are loaded and published, one that is withdrawn."""

import json
import subprocess
import sys
import time

import pytest

from include.published import current
from include.published.layout import VIEWS, published_of
from include.warehouse.publishing import withdraw
from tests.readers.publisher import load_and_publish
from tests.readers.reader import MARTS

PROCESSES, THREADS = 8, 25

pytestmark = pytest.mark.readers

TIMES = {"ca": 12, "cb": 12, "cc": 7}
"""How often each connection is published; `cc` is withdrawn then."""

READ_ON_S = 20.0
"""Seconds that readers go on after the withdrawal."""

BOUND_S = 60.0
"""What a publish may take while all that goes on, even where the machine has much else to do. Alone
it takes a quarter of a second; whoever had to wait for readers would wait for all of them."""


def start(module, *arguments):
    return subprocess.Popen(
        [sys.executable, "-m", f"tests.readers.{module}", *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def end(process):
    """Let a process end, and return what it says."""
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return json.loads(said)


@pytest.mark.timeout(240)
def test_readers_see_one_generation_and_nobody_is_in_anybodys_way(tmp_path, record_property):
    warehouses, published = tmp_path / "warehouse", tmp_path / "published"
    warehouses.mkdir()
    for connection_id in TIMES:
        load_and_publish(warehouses, published, connection_id, 0)
    readers = [
        start("reader", published / VIEWS, ("attach", "connect")[number % 2], THREADS)
        for number in range(PROCESSES)
    ]
    publishers = {
        connection_id: start("publisher", warehouses, published, connection_id, times)
        for connection_id, times in TIMES.items()
    }
    took = {"cc": end(publishers.pop("cc"))}
    withdraw(published, "cc")
    withdrawn = time.time()
    took |= {connection_id: end(process) for connection_id, process in publishers.items()}
    # Each reader is to open the views once more, whose sessions of before may take a while.
    time.sleep(max(0.0, withdrawn + READ_ON_S - time.time()))
    outcomes = [end(process) for process in readers]

    errors = [error for outcome in outcomes for error in outcome["errors"]]
    kept_open = [
        error
        for error in errors
        if error["opened"] < withdrawn and "connection_id=cc" in error["error"]
    ]
    publishes = [seconds for times in took.values() for _, seconds in times]
    loads = [seconds for times in took.values() for seconds, _ in times]
    for name, value in {
        "sessions": sum(outcome["sessions"] for outcome in outcomes),
        "reads": sum(outcome["reads"] for outcome in outcomes),
        "sessions that had to be opened again": len(kept_open),
        "publishes": len(publishes),
        "longest publish": round(max(publishes), 2),
        "longest load": round(max(loads), 2),
    }.items():
        record_property(name, value)
        print(f"{name}: {value}")  # noqa: T201 - figures of docs/published-data.md

    assert [outcome["torn"] for outcome in outcomes] == [[]] * PROCESSES
    # Who had a connection open that is gone has to open the views again; nobody else ever has to.
    assert [error for error in errors if error not in kept_open] == []
    assert all(outcome["latest"] > withdrawn for outcome in outcomes)
    assert len(publishes) == sum(TIMES.values())
    assert max(publishes) < BOUND_S
    assert published_of(published, "cc") == []
    assert {*current(published, "ca").marts} == {*MARTS}

"""Leases: one process at a time, and only in the right state."""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest

from include.connections import leases
from include.connections.leases import Busy, Fenced, Kind, LeaseLost
from include.connections.models import LeaseRow
from include.connections.states import Reason
from include.settings import PROJECT_ROOT

HOLD = """
import sys
from include.connections.leases import Kind
from include.connections.registry import open_registry
from include.settings import settings
with open_registry(settings()).leases.held(sys.argv[1], Kind.LOAD):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other(current):
    """Return a function that lets another process hold a lease."""
    running = []

    def hold(connection):
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, connection.id],
            cwd=PROJECT_ROOT,
            env=os.environ | {"CORVANA_DATA_DIR": str(current.data_dir)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        running.append(process)
        assert process.stdout.readline() == b"held\n"
        return process

    yield hold
    for process in running:
        process.kill()
        process.wait()


def change(registry, connection, **values):
    with registry.database.writing() as session:
        row = session.get_one(LeaseRow, connection.id)
        for name, value in values.items():
            setattr(row, name, value)


def test_one_process_at_a_time_works_on_a_connection(registry, connect, other):
    one, two = connect(), connect("umbrella")
    process = other(one)
    busy = rf"Another process \({process.pid}\) is working on this connection \(load\): run again"
    with pytest.raises(Busy, match=busy), registry.leases.held(one.id, Kind.BUILD):
        pytest.fail("two processes hold the lease")
    with registry.leases.held(two.id, Kind.BUILD):
        assert registry.leases.of(two.id).holder.pid == os.getpid()
    assert registry.leases.of(two.id) is None


def test_a_killed_process_is_noticed_at_once(registry, connect, other):
    connection = connect()
    process = other(connection)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with registry.leases.held(connection.id, Kind.LOAD) as lease:
        lease.check()


def test_a_process_id_that_is_used_again_is_another_process(registry, connect):
    connection = connect()
    with registry.leases.held(connection.id, Kind.LOAD):
        change(registry, connection, process_started="1")
        assert registry.leases.of(connection.id).holder.is_dead
        with registry.leases.held(connection.id, Kind.BUILD) as second:
            second.check()


def test_the_lease_of_another_machine_lapses_after_a_minute(registry, connect):
    connection = connect()
    with registry.leases.held(connection.id, Kind.LOAD) as lease:
        change(registry, connection, host="elsewhere")
        with (
            pytest.raises(Busy, match="on elsewhere"),
            registry.leases.held(connection.id, Kind.LOAD),
        ):
            pass
        change(registry, connection, beat_at=datetime.now(UTC) - timedelta(seconds=61))
        with (
            registry.leases.held(connection.id, Kind.LOAD),
            pytest.raises(LeaseLost, match="Another process took over"),
        ):
            lease.check()
        with pytest.raises(LeaseLost):
            lease.check()


@pytest.mark.parametrize("kind", [Kind.LOAD, Kind.BUILD, Kind.PUBLISH, Kind.LOOK])
def test_nobody_works_on_what_is_not_connected(registry, connect, kind):
    lost, ended = connect(), connect("umbrella")
    registry.lose(lost.id, Reason.REVOKED, "load")
    registry.disconnect(ended.id, "admin")
    with (
        pytest.raises(Fenced, match=r"is disconnected\. Access was revoked"),
        registry.leases.held(lost.id, kind),
    ):
        pass
    with pytest.raises(Fenced, match="is being deleted"), registry.leases.held(ended.id, kind):
        pass


def test_a_connection_that_is_connected_is_not_purged(registry, connect):
    with (
        pytest.raises(Fenced, match="disconnect it first"),
        registry.leases.held(connect().id, Kind.PURGE),
    ):
        pass


def test_who_holds_a_lease_learns_that_the_connection_was_ended(registry, connect, monkeypatch):
    monkeypatch.setattr(leases, "BEAT_S", 0.05)
    connection = connect()
    with registry.leases.held(connection.id, Kind.LOAD) as lease:
        before = registry.leases.of(connection.id).beat_at
        time.sleep(0.3)
        assert registry.leases.of(connection.id).beat_at > before
        assert not lease.is_lost
        registry.disconnect(connection.id, "admin")
        with pytest.raises(Fenced, match="is being deleted"):
            lease.check()
        time.sleep(0.3)
        assert lease.is_lost
        with pytest.raises(Fenced), lease.explaining():
            raise ValueError("something that was wrapped")
        with pytest.raises(KeyError), lease.explaining(KeyError):
            raise KeyError
    assert registry.leases.of(connection.id) is None


def test_a_purge_waits_for_the_lease_or_breaks_it(registry, connect):
    connection = connect()
    with registry.leases.held(connection.id, Kind.LOAD) as lease:
        registry.disconnect(connection.id, "admin")
        held = registry.leases.wait(connection.id, 0.3)
        assert held.kind is Kind.LOAD
        registry.leases.break_off(connection.id, held)
        with registry.leases.held(connection.id, Kind.PURGE) as purge:
            purge.check()
            assert isinstance(lease.failure(), Fenced)
    assert registry.leases.wait(connection.id, 0) is None

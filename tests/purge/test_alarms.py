"""The alarm, and that dbt ends when it is told to."""

import asyncio
import logging
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from include.connections.models import ConnectionRow
from include.purge import alarms
from include.purge.alarms import OverdueData, overdue, purge_is_late
from include.transform import build as building
from include.warehouse.duckdb_file import DuckDBFile


def ago(registry, connection, hours):
    with registry.database.writing() as session:
        row = session.get_one(ConnectionRow, connection.id)
        row.changed_at = datetime.now(UTC) - timedelta(hours=hours)


def test_what_should_be_deleted_and_is_not_raises_an_alarm(
    current, registry, connect, monkeypatch, caplog
):
    caplog.set_level(logging.CRITICAL)
    monkeypatch.setattr(alarms, "settings", lambda: current)
    one, _ = connect(), connect("umbrella")
    registry.disconnect(one.id, "admin")
    ago(registry, one, 11)
    asyncio.run(purge_is_late(hours=12, context={}))
    assert caplog.text == ""
    ago(registry, one, 12.5)
    with pytest.raises(OverdueData, match=f"{one.id} was disconnected 12 hours ago"):
        asyncio.run(purge_is_late(hours=12))
    assert "has to be within 24 hours" in caplog.text
    asyncio.run(purge_is_late(hours=24))
    assert len(overdue(registry, datetime.now(UTC))) == 1


def test_nothing_is_overdue_once_it_is_purged(current, registry, connect):
    one = connect()
    registry.disconnect(one.id, "admin")
    ago(registry, one, 30)
    registry.purged(one.id, "purge")
    assert overdue(registry, datetime.now(UTC)) == []


@pytest.mark.parametrize("is_silent", [True, False], ids=["silent", "talking"])
def test_dbt_is_ended_when_the_build_is_to_stop(tmp_path, monkeypatch, is_silent):
    talk = "import time\nwhile True: time.sleep(0.05)"
    if not is_silent:
        talk += "; print('a line', flush=True)"
    popen = building.subprocess.Popen
    started = []

    def start(command, **options):
        started.append(popen([command[0], "-c", talk], **options))
        return started[0]

    fake = SimpleNamespace(**vars(building.subprocess) | {"Popen": start})
    monkeypatch.setattr(building, "subprocess", fake)
    monkeypatch.setattr(building, "CHECK_S", 0.2)

    def check():
        raise RuntimeError("stop")

    began = time.monotonic()
    warehouse = DuckDBFile(tmp_path, "x")
    with pytest.raises(RuntimeError, match="stop"):
        building.build(warehouse, tmp_path / "work", tmp_path / "cache", check)
    assert time.monotonic() - began < 5
    assert started[0].returncode is not None
    assert list((tmp_path / "work").iterdir()) == []

"""A backup from before a purge: what docs/runbook.md says to do about it."""

import shutil
import sqlite3
from datetime import UTC, datetime

import pytest

from include.connections.registry import open_registry
from include.connections.states import State
from include.purge.purging import PurgeUnfinished, purge
from include.purge.receipts import open_receipts
from tests.backends import DATA, only_files


def backed_up(installation, folder):
    """Copy the registry as the runbook says, while it may be written."""
    copy = folder / "registry-backup.db"
    with sqlite3.connect(installation.settings.registry_path) as database:
        database.execute("vacuum into ?", (str(copy),))
    return copy


def restored(installation, copy):
    installation.registry.database.engine.dispose()
    shutil.copyfile(copy, installation.settings.registry_path)
    return open_registry(installation.settings)


@pytest.fixture
def purged(installation, connect, tmp_path):
    """A connection that was purged after a backup of the registry; and another one, in use."""
    one, other = connect("acme-c4n4ry"), connect("umbrella-c4n4ry")
    installation.load(one, "acme")
    installation.load(other, "umbrella")
    for connection in (one, other):
        installation.registry.reports.change(
            connection.id, lambda report: setattr(report, "loaded_at", datetime.now(UTC))
        )
    copy = backed_up(installation, tmp_path)
    data = tmp_path / "data-backup"
    shutil.copytree(installation.settings.data_dir, data)
    installation.registry.disconnect(one.id, "admin")
    purge(installation.settings, installation.registry, one.id)
    assert installation.holding("acme-c4n4ry") == []
    return one, other, copy, data


def test_a_registry_from_before_a_purge_has_the_connection_and_its_secrets_again(
    installation, purged
):
    one, _, copy, _ = purged
    registry = restored(installation, copy)
    assert registry.get(one.id).state is State.CONNECTED
    assert registry.tokens.of(one.id).salt
    assert open_receipts(registry).all() == []


def test_disconnecting_it_again_purges_it_again(installation, purged):
    one, other, copy, data = purged
    registry = restored(installation, copy)
    for folder in (DATA, "published"):
        shutil.copytree(data / folder, installation.settings.data_dir / folder, dirs_exist_ok=True)
    shutil.rmtree(data)
    copy.unlink()
    assert installation.holding("acme-c4n4ry")
    registry.disconnect(one.id, "admin")
    receipt = purge(installation.settings, registry, one.id)
    assert receipt.verification.is_clean
    assert installation.everything(one) == {}
    assert installation.holding("acme-c4n4ry") == []
    assert registry.get(other.id).state is State.CONNECTED
    assert open_receipts(registry).verify_chain() == 1


@only_files
def test_a_registry_alone_is_enough_and_where_nothing_is_left_that_has_to_be_said(
    installation, purged
):
    one, other, copy, _ = purged
    registry = restored(installation, copy)
    for connection in (one, other):
        registry.disconnect(connection.id, "admin")
    assert purge(installation.settings, registry, one.id).verification.is_clean
    shutil.rmtree(installation.settings.warehouse_dir)
    with pytest.raises(PurgeUnfinished, match="If it was emptied by hand, say so: mkdir"):
        purge(installation.settings, registry, other.id)
    installation.settings.warehouse_dir.mkdir()
    (installation.settings.warehouse_dir / "emptied").touch()
    assert purge(installation.settings, registry, other.id).verification.is_clean

"""The purge: everything of one connection is gone, nothing of another is touched."""

import json
import re
from datetime import UTC, datetime

import duckdb
import pytest
from sqlalchemy.exc import OperationalError

from include.connections.leases import Fenced, Kind
from include.connections.states import State
from include.published.layout import VIEWS
from include.purge import carrying_out
from include.purge.purging import PurgeUnfinished, purge
from include.purge.receipts import open_receipts
from include.purge.steps import STEPS
from include.warehouse.backend import warehouse_of
from tests.backends import only_files


@pytest.fixture
def two(installation, connect):
    """Two connections with data; the first one is to go."""
    one, other = connect("acme-c4n4ry"), connect("umbrella-c4n4ry")
    installation.load(one, "acme")
    installation.load(other, "umbrella")
    return one, other


def purged(installation, connection):
    installation.registry.disconnect(connection.id, "admin")
    return purge(installation.settings, installation.registry, connection.id)


def test_everything_of_a_connection_goes_and_nothing_of_another(installation, two):
    one, other = two
    assert len(installation.everything(one)) >= 6
    assert installation.holding("acme-c4n4ry")
    before = installation.everything(other)
    receipt = purged(installation, one)
    assert installation.everything(one) == {}
    assert installation.holding("acme-c4n4ry") == []
    assert installation.everything(other) == before
    assert installation.registry.get(one.id).state is State.PURGED
    assert installation.registry.get(other.id).state is State.CONNECTED
    assert receipt.verification.is_clean
    assert receipt.verification.words > 50
    assert receipt.verification.marks > 20
    assert receipt.verification.files > 3
    assert not list(installation.settings.work_dir(one.id).parent.glob(one.id))


def test_the_views_show_the_others_only(installation, two):
    one, other = two
    purged(installation, one)
    with duckdb.connect(installation.settings.published_dir / VIEWS, read_only=True) as views:
        ids = views.sql("select distinct connection_id from release_stability").fetchall()
    assert ids == [(other.id,)]
    purged(installation, other)
    with duckdb.connect(installation.settings.published_dir / VIEWS, read_only=True) as views:
        assert views.sql("from duckdb_views() where not internal").fetchall() == []


@only_files
def test_the_receipt_says_what_and_how_much_and_nothing_collected(installation, two):
    one, _ = two
    size = (installation.settings.warehouse_dir / f"{one.id}.duckdb").stat().st_size
    receipt = purged(installation, one)
    steps = {step.step: step for step in receipt.steps}
    assert [*steps] == ["fence", *(step.name for step in STEPS)]
    assert steps["warehouse"].deleted["files"] == 2
    assert steps["warehouse"].deleted["bytes"] > size
    assert steps["warehouse"].deleted["rows"] > 200
    assert steps["published"].deleted["files"] == 3  # two marts, and which generation is current
    assert steps["task_logs"].deleted["files"] == 1
    assert all(steps[name].is_done for name in steps if name != "airflow_records")
    assert "The Airflow Connection airflow_api is missing" in steps["airflow_records"].note
    text = receipt.to_json() + receipt.to_html()
    for secret in ("c4n4ry", "acme", one.organization_id, "admin", "access-token"):
        assert secret not in text
    assert json.loads(receipt.to_json())["connection"] == one.id
    assert receipt.requested_at <= receipt.completed_at
    assert receipt.is_organization(one.organization_id)
    assert not receipt.is_organization("4500000000000000")
    assert "still to be done" in receipt.to_html()
    assert open_receipts(installation.registry).of(one.id) == [receipt]


def test_a_connection_that_is_in_use_is_not_purged(installation, two):
    one, _ = two
    before = installation.everything(one)
    with pytest.raises(Fenced, match="is connected: its data is in use"):
        purge(installation.settings, installation.registry, one.id)
    assert installation.everything(one) == before


def test_a_connection_that_never_loaded_is_purged(installation, connect):
    receipt = purged(installation, connect())
    assert receipt.verification.is_clean
    assert receipt.verification.words == 0


def test_purging_again_returns_the_same_receipt(installation, two):
    receipt = purged(installation, two[0])
    again = purge(installation.settings, installation.registry, two[0].id)
    assert again == receipt
    assert len(open_receipts(installation.registry).all()) == 1


def test_the_same_organization_can_be_connected_again_at_once(installation, connect):
    """Its new connection has the same slugs and versions, which are no leftovers of the old one."""
    one = connect("acme-c4n4ry", organization_id="77")
    installation.load(one, "acme")
    installation.registry.disconnect(one.id, "admin")
    again = connect("acme-c4n4ry", organization_id="77")
    installation.load(again, "acme")
    (installation.settings.data_dir / "notes.txt").write_text("acme-c4n4ry@1.2.3")
    before = installation.everything(again)
    receipt = purge(installation.settings, installation.registry, one.id)
    assert receipt.verification.is_clean
    assert installation.everything(one) == {}
    assert installation.everything(again) == before
    assert installation.registry.get(again.id).organization_id == "77"


@only_files
def test_a_step_that_fails_does_not_keep_the_others_from_running(installation, two, monkeypatch):
    one, other = two
    before = installation.everything(other)
    with monkeypatch.context() as patch:
        patch.setattr(
            "include.warehouse.duckdb_file.DuckDBFile.destroy",
            lambda self: (_ for _ in ()).throw(PermissionError(13, "Permission denied")),
        )
        with pytest.raises(PurgeUnfinished, match=r"failed \(Permission denied\)"):
            purged(installation, one)
    assert installation.registry.get(one.id).state is State.DISCONNECTING
    # What is left was found by the search, and deleted then.
    assert installation.everything(one) == {}
    receipt = purge(installation.settings, installation.registry, one.id)
    assert receipt.verification.words > 50
    deleted = {step.step: step.deleted for step in receipt.steps}
    assert deleted["published"]["files"] == 3
    assert deleted["warehouse"]["rows"] > 200
    assert installation.everything(other) == before


@only_files
def test_copies_under_other_names_are_found_and_deleted(installation, two):
    one, _ = two
    data = installation.settings.data_dir
    source = installation.settings.warehouse_dir / f"{one.id}.duckdb"
    (data / "copy.bin").write_bytes(source.read_bytes())
    (data / "old").mkdir()
    parquet = next(installation.settings.published_dir.glob(f"*/connection_id={one.id}/*.parquet"))
    (data / "old" / "something").write_bytes(parquet.read_bytes())
    receipt = purged(installation, one)
    assert receipt.verification.is_clean
    assert receipt.verification.found == {"data folder": 2}
    assert not (data / "copy.bin").exists()
    assert installation.holding("acme-c4n4ry") == []


def test_what_cannot_be_deleted_from_here_is_told_and_keeps_the_connection(
    installation, two, caplog
):
    one, _ = two
    log = installation.airflow / "logs" / "scheduler" / "latest.log"
    log.write_text("project acme-c4n4ry-project-3 was mentioned\n")
    with pytest.raises(PurgeUnfinished, match="Something is left in Airflow's logs"):
        purged(installation, one)
    assert "logs/scheduler/latest.log" in caplog.text
    assert "c4n4ry" not in caplog.text
    assert installation.registry.get(one.id).state is State.DISCONNECTING
    log.write_text("")
    assert purge(installation.settings, installation.registry, one.id).verification.is_clean


def test_marks_are_searched_in_temporary_folders_and_airflows_database(installation, two):
    one, _ = two
    with warehouse_of(installation.settings, one.id).open_for_reading() as database:
        ((mark,),) = database.sql("select run_id from raw.load_runs limit 1").fetchall()
    stray = installation.temporary / "x" / "spill.tmp"
    stray.parent.mkdir()
    stray.write_text(f"…{mark}…")
    with pytest.raises(PurgeUnfinished, match="Something is left in temporary folder"):
        purged(installation, one)
    stray.unlink()
    (installation.airflow / "airflow.db").write_bytes(b"\0" + mark.encode())
    with pytest.raises(PurgeUnfinished, match="Something is left in Airflow's home"):
        purge(installation.settings, installation.registry, one.id)
    (installation.airflow / "airflow.db").unlink()
    assert purge(installation.settings, installation.registry, one.id).verification.is_clean


@only_files
def test_an_unreadable_warehouse_is_deleted_all_the_same(installation, two):
    one, _ = two
    (installation.settings.warehouse_dir / f"{one.id}.duckdb").write_bytes(b"no database " * 1000)
    receipt = purged(installation, one)
    notes = {step.step: step.note for step in receipt.steps}
    assert "could not be read" in notes["fingerprints"]
    assert receipt.verification.words == 0
    assert installation.everything(one) == {}


@only_files
def test_a_registry_that_cannot_be_written_does_not_keep_data_from_being_deleted(
    installation, two, monkeypatch
):
    """As on a full disk: deleting makes room, and then there is a receipt."""
    one, _ = two
    installation.registry.disconnect(one.id, "admin")
    warehouse = installation.settings.warehouse_dir / f"{one.id}.duckdb"
    database = type(installation.registry.database)
    writing = database.writing

    def full(self):
        if warehouse.exists():
            raise OperationalError("insert", {}, Exception("database or disk is full"))
        return writing(self)

    monkeypatch.setattr(database, "writing", full)
    receipt = purge(installation.settings, installation.registry, one.id)
    assert installation.everything(one) == {}
    assert receipt.verification.is_clean
    assert receipt.verification.words > 50
    deleted = {step.step: step.deleted for step in receipt.steps}
    assert deleted["warehouse"]["rows"] > 200


def test_failures_are_told_by_their_kind_only(installation, two, monkeypatch, caplog):
    one, _ = two

    def fail(_at):
        raise ValueError("acme-c4n4ry in an exception")

    monkeypatch.setattr(STEPS[2], "measure", fail)
    with pytest.raises(PurgeUnfinished, match=re.escape("It failed (ValueError)")):
        purged(installation, one)
    assert "c4n4ry" not in caplog.text


def test_a_purge_waits_for_whoever_works_on_the_connection(installation, two, monkeypatch):
    one, _ = two
    monkeypatch.setattr("include.purge.steps.fence.ENDS_ITSELF_S", 0.2)
    with installation.registry.leases.held(one.id, Kind.LOAD) as lease:
        receipt = purged(installation, one)
        assert isinstance(lease.failure(), Fenced)
    fence = receipt.steps[0]
    assert fence.step == "fence"
    assert "its lease was broken" in fence.note


def test_sentences_are_kept_whole():
    assert carrying_out.sentence(OSError(28, "No space left on device")) == (
        "It failed (No space left on device), and is tried again."
    )


@only_files
def test_a_data_folder_that_is_not_mounted_is_no_deletion(installation, two, tmp_path):
    """An empty folder proves nothing about a connection that was loaded."""
    one, _ = two

    def loaded(report):
        report.loaded_at = datetime.now(UTC)

    installation.registry.reports.change(one.id, loaded)
    warehouses = installation.settings.warehouse_dir
    warehouses.rename(tmp_path / "elsewhere")
    with pytest.raises(PurgeUnfinished, match="check that the data folder is mounted"):
        purged(installation, one)
    assert installation.registry.get(one.id).state is State.DISCONNECTING
    (tmp_path / "elsewhere").rename(warehouses)
    receipt = purge(installation.settings, installation.registry, one.id)
    assert {step.step: step.deleted for step in receipt.steps}["warehouse"]["files"] == 2
    assert installation.everything(one) == {}

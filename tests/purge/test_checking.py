"""What reappears after a purge is found, deleted and noted; the chain of receipts."""

import shutil
from datetime import UTC, datetime, timedelta

import duckdb
import pytest
from sqlalchemy import delete, update

from include.connections.models import PurgeRow, PurgeStepRow, ReceiptRow
from include.files import NotDeleted
from include.purge import checking
from include.purge.airflow_api import AirflowApi, AirflowApiFailed
from include.purge.checking import check_due
from include.purge.progress import PurgeProgress
from include.purge.purging import PurgeUnfinished, purge
from include.purge.receipts import ChainBroken, Kind, UnknownReceipt, open_receipts
from tests.backends import DATA

HOUR, DAY = timedelta(hours=1, seconds=1), timedelta(days=1, seconds=1)


@pytest.fixture
def purged(installation, connect, tmp_path):
    """A purged connection, and a copy of what it had been."""
    one = connect("acme-c4n4ry")
    installation.load(one, "acme")
    shutil.copytree(installation.settings.data_dir, tmp_path / "backup")
    installation.registry.disconnect(one.id, "admin")
    purge(installation.settings, installation.registry, one.id)
    return one


def look(installation, after=timedelta()):
    return check_due(installation.settings, installation.registry, datetime.now(UTC) + after)


def rows(installation, kind):
    with installation.registry.database.reading() as session:
        return session.query(kind).count()


def test_a_purge_is_looked_at_again_after_an_hour_and_after_a_day(installation, api, purged):
    progress = PurgeProgress(installation.registry.database, installation.registry.vault)
    assert look(installation) == []
    assert len(progress.needles(purged.id).words) > 50
    (first,) = look(installation, HOUR)
    assert (first.kind, first.verification.is_clean) == (Kind.CHECK, True)
    assert first.verification.words > 50
    assert "registry" in first.verification.places
    purge_receipt = open_receipts(installation.registry).get(1)
    assert first.purge == first.previous == purge_receipt.hash
    assert progress.needles(purged.id).words == ()
    assert progress.needles(purged.id).marks
    assert look(installation, HOUR) == []
    (second,) = look(installation, HOUR + DAY)
    assert second.verification.words == 0
    assert second.verification.marks > 0
    assert rows(installation, PurgeRow) == rows(installation, PurgeStepRow) == 0
    assert look(installation, DAY * 3) == []
    assert open_receipts(installation.registry).verify_chain() == 3


def test_what_the_connection_held_is_not_kept_for_longer_than_promised(installation, api, purged):
    progress = PurgeProgress(installation.registry.database, installation.registry.vault)
    progress.forget_words(datetime.now(UTC) + timedelta(hours=21))
    assert progress.needles(purged.id).words == ()


def test_the_fingerprints_are_encrypted(installation, api, purged):
    assert b"c4n4ry" not in installation.settings.registry_path.read_bytes()


def test_a_restored_backup_is_found_within_a_run_and_deleted(installation, api, purged, tmp_path):
    look(installation, HOUR)
    look(installation, HOUR + DAY)
    for name in (DATA, "published", "work"):
        shutil.copytree(
            tmp_path / "backup" / name, installation.settings.data_dir / name, dirs_exist_ok=True
        )
    assert installation.holding("acme-c4n4ry")
    (receipt,) = look(installation, DAY * 5)
    # Two marts, their generations, and the working folder.
    assert receipt.verification.found == {"data folder": 4, "warehouse": 1}
    assert receipt.verification.is_clean
    assert receipt.purge == open_receipts(installation.registry).get(1).hash
    assert installation.holding("acme-c4n4ry") == []
    assert look(installation, DAY * 5) == []


def test_a_late_writer_is_found_by_what_it_writes(installation, api, purged):
    logs = installation.airflow / "logs" / f"dag_id=sentry_load__{purged.id}"
    logs.mkdir()
    (logs / "attempt=2.log").write_text("a line after the end\n")
    late = installation.settings.work_dir(purged.id) / "late"
    late.mkdir(parents=True)
    (receipt,) = look(installation)
    assert receipt.verification.found == {"data folder": 1, "Airflow's logs": 1}
    assert not logs.exists()
    assert not late.exists()


def test_what_is_found_and_cannot_be_deleted_fails_the_check(installation, api, purged):
    (installation.airflow / "logs" / "scheduler" / "latest.log").write_text("acme-c4n4ry-stage")
    with pytest.raises(PurgeUnfinished, match="Something of 1 connections was found"):
        look(installation, HOUR)
    receipt = open_receipts(installation.registry).of(purged.id)[0]
    assert receipt.verification.left == {"Airflow's logs": 1}
    assert not receipt.verification.is_clean


def test_airflows_records_follow_when_airflow_can_be_asked(installation, monkeypatch, api, connect):
    def down(settings):
        raise AirflowApiFailed("Airflow's API cannot be reached (ConnectionError).")

    one = connect("acme-c4n4ry")
    installation.load(one, "acme")
    monkeypatch.setattr(AirflowApi, "open", down)
    installation.registry.disconnect(one.id, "admin")
    receipt = purge(installation.settings, installation.registry, one.id)
    records = {step.step: step for step in receipt.steps}["airflow_records"]
    assert not records.is_done
    assert "cannot be reached" in records.note
    assert look(installation) == []
    monkeypatch.setattr(AirflowApi, "open", lambda settings: type(api)())
    (followed,) = look(installation)
    assert followed.steps[0].deleted == {"DAGs": 1}
    assert followed.verification is None
    assert look(installation) == []


def test_a_dag_that_reappeared_is_deleted(installation, api, purged):
    api.dags = 1
    (receipt,) = look(installation, HOUR)
    assert receipt.steps[0].deleted == {"DAGs": 1}
    assert api.dags == 0


@pytest.mark.parametrize(
    ("change", "number"),
    [
        (update(ReceiptRow).where(ReceiptRow.number == 2).values(body="{}"), 2),
        (delete(ReceiptRow).where(ReceiptRow.number == 1), 1),
        (delete(ReceiptRow).where(ReceiptRow.number == 2), 2),
        (update(ReceiptRow).where(ReceiptRow.number == 1).values(hash="0" * 64), 1),
    ],
    ids=["changed", "first removed", "removed", "hash changed"],
)
def test_a_changed_chain_is_noticed(installation, api, purged, change, number):
    look(installation, HOUR)
    look(installation, HOUR + DAY)
    receipts = open_receipts(installation.registry)
    assert receipts.verify_chain() == 3
    with installation.registry.database.writing() as session:
        session.execute(change)
    with pytest.raises(ChainBroken, match=f"broken at number {number}"):
        receipts.verify_chain()


def test_receipts_are_found_by_number(installation, api, purged):
    receipts = open_receipts(installation.registry)
    assert receipts.get(1).connection == purged.id
    with pytest.raises(UnknownReceipt, match="no receipt 7"):
        receipts.get(7)


def test_one_connection_that_cannot_be_looked_at_does_not_keep_the_others_from_it(
    installation, api, connect, monkeypatch, caplog
):
    pair = [connect(f"{name}-c4n4ry") for name in ("acme", "umbrella")]
    for one, name in zip(pair, ("acme", "umbrella"), strict=True):
        installation.load(one, name)
        installation.registry.disconnect(one.id, "admin")
        purge(installation.settings, installation.registry, one.id)
    search = checking.search_and_delete

    def fail_for_the_first(at, *args, **kwargs):
        if at.connection_id == pair[0].id:
            raise ValueError("acme-c4n4ry in an exception")
        return search(at, *args, **kwargs)

    monkeypatch.setattr(checking, "search_and_delete", fail_for_the_first)
    with pytest.raises(PurgeUnfinished, match="1 connections could not be looked at again"):
        look(installation, HOUR)
    assert f"{pair[0].id}: It failed (ValueError)" in caplog.text
    assert "c4n4ry" not in caplog.text
    receipts = open_receipts(installation.registry)
    assert [one.kind for one in receipts.of(pair[0].id)] == [Kind.PURGE]
    assert [one.kind for one in receipts.of(pair[1].id)] == [Kind.CHECK, Kind.PURGE]
    monkeypatch.setattr(checking, "search_and_delete", search)
    (receipt,) = look(installation, HOUR)
    assert receipt.connection == pair[0].id


def test_what_reappears_and_cannot_be_deleted_is_noted_once(installation, api, purged, monkeypatch):
    late = installation.settings.work_dir(purged.id)
    late.mkdir(parents=True)
    with monkeypatch.context() as patch:
        patch.setattr(
            "include.purge.remains.remove", lambda paths: (_ for _ in ()).throw(NotDeleted("no"))
        )
        for _ in range(3):
            with pytest.raises(PurgeUnfinished, match="Something of 1 connections was found"):
                look(installation)
    receipts = open_receipts(installation.registry)
    assert [one.kind for one in receipts.of(purged.id)] == [Kind.CHECK, Kind.PURGE]
    assert receipts.of(purged.id)[0].verification.left == {"data folder": 1}
    (receipt,) = look(installation)
    assert receipt.verification.found == {"data folder": 1}
    assert not late.exists()
    assert look(installation) == []


def test_views_that_cannot_be_written_do_not_keep_it_from_searching(
    installation, api, purged, monkeypatch, caplog
):
    def fail(*_):
        raise duckdb.IOException("acme-c4n4ry in an exception")

    installation.settings.work_dir(purged.id).mkdir(parents=True)
    monkeypatch.setattr("include.purge.remains.withdraw", fail)
    (receipt,) = look(installation)
    assert receipt.verification.is_clean
    assert "the published tables: It failed (IOException)" in caplog.text
    assert "c4n4ry" not in caplog.text

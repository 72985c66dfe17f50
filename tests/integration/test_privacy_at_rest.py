"""Zero canaries at rest: after loads, good and cut off, nothing undeclared is anywhere."""

import logging
import shutil

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dlt_sources.sentry import history, pipeline
from dlt_sources.sentry.errors import LoadFailed
from include.sandbox.canaries import CANARY
from tests.canary_scan import leaks, never_at_rest


@pytest.fixture
def kept_work(monkeypatch, tmp_path):
    """Keep a copy of every working folder that a load deletes: it must be clean, too."""
    copies = tmp_path / "work"

    def keep_and_remove(folder, *, ignore_errors):
        if folder.exists():
            shutil.copytree(folder, copies / str(len(list(tmp_path.glob("work/*")))))
        shutil.rmtree(folder, ignore_errors=ignore_errors)

    monkeypatch.setattr(pipeline, "shutil", type("Shutil", (), {"rmtree": keep_and_remove}))
    return copies


def test_nothing_undeclared_is_at_rest_after_loading_building_and_publishing(
    connection, kept_work, caplog, capfd
):
    caplog.set_level(logging.DEBUG)
    connection.load()
    connection.advance(days=2)
    connection.load()
    connection.build()
    connection.publish()

    needles = never_at_rest(connection.organization)
    assert len(needles) > 10
    assert connection.rows("select count(*) from raw.issue_activities")[0][0] > 1000
    assert leaks(connection.folder, needles) == []
    assert any(kept_work.rglob("trace.pickle"))
    assert leaks(kept_work, needles) == []
    printed = caplog.text + "".join(capfd.readouterr())
    assert [needle for needle in needles if needle.decode() in printed] == []


@pytest.mark.parametrize("step", ["extract", "normalize", "load"])
def test_nothing_undeclared_is_at_rest_after_a_failure(
    connection, kept_work, monkeypatch, caplog, step
):
    """What dlt leaves of a failed load holds rows: of declared fields, and it is deleted."""
    caplog.set_level(logging.DEBUG)
    connection.advance(days=1)

    def fail(*_args, **_kwargs):
        raise RuntimeError(f"{CANARY} in an exception of {step}")

    if step == "extract":
        monkeypatch.setattr(history, "activity_row", fail)
    else:
        target = {
            "normalize": "dlt.normalize.normalize.Normalize.spool_files",
            "load": "dlt.load.load.Load.complete_jobs",
        }
        monkeypatch.setattr(target[step], fail)
    with pytest.raises(LoadFailed, match="the next one goes on where it stopped") as caught:
        connection.load()

    assert CANARY not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert CANARY not in caplog.text
    needles = never_at_rest(connection.organization)
    assert leaks(connection.folder, needles) == []
    assert not any(path.is_file() for path in (connection.folder / "work").rglob("*"))
    rows = [path for path in kept_work.rglob("*.parquet") if path.is_file()]
    assert bool(rows) == (step != "extract")
    assert all(leaks(path.parent, needles) == [] for path in rows)


def test_the_scan_finds_what_it_looks_for(connection, tmp_path):
    needles = never_at_rest(connection.organization)
    (tmp_path / "log.txt").write_text(f"a {CANARY} in a log")
    with duckdb.connect(str(tmp_path / "a.duckdb")) as database:
        database.execute(f"create table t as select '{CANARY}-' || range as v from range(100000)")
    pq.write_table(pa.table({"v": [f"{CANARY}-x"] * 1000}), tmp_path / "b.parquet")
    found = leaks(tmp_path, needles)
    assert {
        name for name in ("log.txt", "a.duckdb", "b.parquet") for at in found if name in at
    } == {
        "log.txt",
        "a.duckdb",
        "b.parquet",
    }

"""What is found in files in which values stand back to back, and what is not ours to delete."""

import sqlite3
import tempfile

import duckdb
import pyarrow as pa
import pytest
from pydantic import SecretStr

from include.connections.registry import open_registry
from include.connections.tokens import Grant
from include.purge import fingerprints
from include.purge.places import places_of
from include.purge.purging import PurgeUnfinished, purge
from include.purge.search import Search
from include.purge.verification import Verification
from include.settings import Settings
from include.warehouse.backend import warehouse_of
from tests.purge.conftest import make

SLUG, MARK = "acme-web", "0123456789abcdef0123456789abcdef"
BETWEEN = f"x{SLUG}y", f"x{MARK}y"


def found(*paths):
    return {hit.needle for hit in Search((SLUG, MARK)).in_files(paths)}


def sqlite(path, *values, journal="delete"):
    database = sqlite3.connect(path)
    database.execute(f"pragma journal_mode = {journal}")
    database.execute("create table notes (one, two, three)")
    database.execute("insert into notes values (?, ?, ?)", values)
    database.commit()
    return database


def arrow(path, *values, compression=None):
    table = pa.table({"value": [*values], "other": [value[::-1] for value in values]})
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with (
        pa.OSFile(str(path), "wb") as file,
        pa.ipc.new_file(file, table.schema, options=options) as to,
    ):
        to.write_table(table)


def test_a_row_of_sqlite_is_found_though_its_values_stand_back_to_back(tmp_path):
    path = tmp_path / "some.db"
    sqlite(path, "before", SLUG, "after").close()
    sqlite(tmp_path / "other.db", "before", MARK, "after").close()
    assert b"before" + SLUG.encode() + b"after" in path.read_bytes()
    assert found(path) == {SLUG}
    assert found(tmp_path / "other.db") == {MARK}


def test_what_is_only_in_sqlites_write_ahead_log_is_found(tmp_path):
    database = sqlite(tmp_path / "some.db", "before", SLUG, "after", journal="wal")
    assert found(tmp_path / "some.db-wal") == {SLUG}
    database.close()


def test_an_arrow_file_is_searched(tmp_path):
    arrow(tmp_path / "a", "before", SLUG, MARK, "after")
    assert found(tmp_path / "a") == {SLUG, MARK}


def test_marks_are_found_anywhere_and_short_words_in_texts_only_as_words(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text(" ".join(BETWEEN))
    assert found(path) == {MARK}
    path.write_text(f"({SLUG})")
    assert found(path) == {SLUG}


def test_the_shortest_words_are_found_as_words_in_any_file(tmp_path):
    sqlite(tmp_path / "some.db", "before", "acme", "after").close()
    assert not [*Search(("acme",)).in_files([tmp_path / "some.db"])]


def test_what_lies_on_the_border_of_two_pieces_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr("include.purge.search.CHUNK", 64)
    path = tmp_path / "a"
    path.write_bytes(b"." * 50 + MARK.encode() + b"." * 50)
    assert found(path) == {MARK}


@pytest.fixture
def gone(installation, connect):
    """A disconnected connection with data, and a mark and words of it."""
    one = connect("acme-c4n4ry")
    installation.load(one, "acme")
    with warehouse_of(installation.settings, one.id).open_for_reading() as database:
        ((mark,),) = database.sql("select run_id from raw.load_runs limit 1").fetchall()
    installation.registry.disconnect(one.id, "admin")
    return one, mark


def purged(installation, connection):
    return purge(installation.settings, installation.registry, connection.id)


@pytest.mark.parametrize("kind", ["duckdb", "sqlite", "arrow", "compressed arrow", "parquet"])
def test_copies_in_the_temporary_folder_are_found_whatever_they_are(installation, gone, kind):
    one, mark = gone
    path = installation.temporary / "copy"
    rows = [f"{mark}{i:04}" for i in range(5000)]
    if kind == "duckdb":
        with duckdb.connect(str(path)) as database:
            database.execute(f"create table t as select '{mark}' || i as v from range(5000) t(i)")
            database.execute("checkpoint")
    elif kind == "sqlite":
        sqlite(path, "before", mark, "after").close()
    elif kind == "parquet":
        select = f"select '{mark}' || i as v from range(5000) t(i)"
        duckdb.execute(f"copy ({select}) to '{path}' (format parquet, compression zstd)")
    else:
        arrow(path, *rows, compression="zstd" if kind == "compressed arrow" else None)
    with pytest.raises(PurgeUnfinished, match="Something is left in temporary folder"):
        purged(installation, one)
    path.unlink()
    assert purged(installation, one).verification.is_clean


def test_words_are_found_in_airflows_database(installation, gone):
    one, _ = gone
    with sqlite3.connect(installation.airflow / "airflow.db") as database:
        database.execute("create table notes (one, two, three)")
        database.execute("insert into notes values ('a', 'acme-c4n4ry', 'b')")
    database.close()
    with pytest.raises(PurgeUnfinished, match="Something is left in Airflow's home"):
        purged(installation, one)


def test_a_database_of_somebody_else_in_the_data_folder_is_not_deleted(installation, gone, caplog):
    one, mark = gone
    path = installation.settings.data_dir / "superset.db"
    sqlite(path, "before", mark, "after").close()
    with pytest.raises(PurgeUnfinished, match="Something is left in data folder"):
        purged(installation, one)
    assert path.exists()
    assert "superset.db" in caplog.text
    path.rename(path.with_name(f"copy-of-{one.id}.db"))
    assert purged(installation, one).verification.found == {"data folder": 1}


def test_one_short_word_within_others_is_no_reason_to_delete(installation, gone):
    one, _ = gone
    path = installation.settings.data_dir / "table.arrow"
    arrow(path, "before", "acme-c4n4ry", "after")
    assert b"beforeacme-c4n4ryafter" in path.read_bytes()
    with warehouse_of(installation.settings, one.id).open_for_reading() as database:
        words = [slug for (slug,) in database.sql("select slug from raw.organizations").fetchall()]
    assert words == ["acme-c4n4ry"]
    content = path.read_bytes()
    (hit,) = Search(words).in_files([path])
    assert hit.is_loose
    path.write_bytes(content[: content.index(b"beforeacme")] + b"\0beforeacme-c4n4ryafter\0")
    with pytest.raises(PurgeUnfinished, match="Something is left in data folder"):
        purged(installation, one)
    assert path.exists()


@pytest.mark.parametrize("name", ["connections.sqlite", "sub/registry.db"])
def test_the_registry_is_never_taken_for_a_leftover(tmp_path, name, monkeypatch):
    (tmp_path / "tmp").mkdir()  # not the one of other tests, which have the same words
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    folder = tmp_path / "data"
    (folder / name).parent.mkdir(parents=True)
    current = Settings(data_dir=folder, registry_url=SecretStr(f"sqlite:///{folder / name}"))
    assert places_of(current).registry == folder / name
    registry = open_registry(current)
    begun = registry.begin("https://sentry.io", GRANT, "admin")
    one = registry.connect(begun.id, "4500000000000077", "acme-c4n4ry", "admin")
    make(current, one.id, "acme", 50)
    with registry.database.writing() as session:
        session.connection().exec_driver_sql("create table old (text)")
        session.connection().exec_driver_sql("insert into old values ('acme-c4n4ry@1.2.3')")
    registry.disconnect(one.id, "admin")
    receipt = purge(current, registry, one.id)
    assert receipt.verification.is_clean
    assert receipt.verification.found == {}
    assert (folder / name).exists()
    assert registry.get(one.id).state == "purged"


GRANT = Grant(
    access_token="an-access-token", refresh_token=None, expires_at=None, scopes=frozenset()
)


@pytest.mark.parametrize("url", ["sqlite://", "postgresql+psycopg://somebody@host/registry"])
def test_a_registry_without_a_file_has_none(tmp_path, url):
    current = Settings(data_dir=tmp_path, registry_url=SecretStr(url))
    (tmp_path / "registry.db").write_text("an old one")
    places = places_of(current)
    assert places.registry is None
    assert [*places.registry_files()] == []


def test_files_of_a_connection_made_during_the_search_are_not_touched(
    installation, gone, connect, monkeypatch
):
    one, _ = gone
    find, made = Verification.find, []

    def found_meanwhile(self, *, with_registry):
        if not made:
            (installation.settings.data_dir / "notes.txt").write_text("acme-c4n4ry@1.2.3")
            made.append(connect("acme-c4n4ry"))
            installation.load(made[0], "acme")
            made.append(installation.everything(made[0]))
        return find(self, with_registry=with_registry)

    monkeypatch.setattr(Verification, "find", found_meanwhile)
    receipt = purged(installation, one)
    again, before = made
    assert receipt.verification.is_clean
    assert len(before) >= 6
    assert installation.everything(again) == before


def test_a_hash_in_a_name_is_no_connection(installation, gone):
    one, mark = gone
    path = installation.settings.data_dir / f"{'ac' * 16}.bin"
    path.write_text(mark)
    assert purged(installation, one).verification.found == {"data folder": 1}
    assert not path.exists()


def test_the_connections_id_alone_elsewhere_does_not_hold_up_the_receipt(installation, gone):
    one, _ = gone
    path = installation.temporary / "list.txt"
    path.write_text(f"{one.id}  disconnecting\n")
    receipt = purged(installation, one)
    assert receipt.verification.is_clean
    assert receipt.verification.left == {"temporary folder (the connection's id only)": 1}
    page = receipt.to_html()
    assert "Nothing collected was found." in page
    assert "left to the operator: 1 in temporary folder (the connection" in page
    assert path.exists()


def test_the_id_with_anything_collected_does(installation, gone):
    one, mark = gone
    (installation.temporary / "list.txt").write_text(f"{one.id} {mark}\n")
    with pytest.raises(PurgeUnfinished, match="Something is left in temporary folder;"):
        purged(installation, one)


def test_what_dbt_writes_when_run_by_hand_is_in_nobodys_way(tmp_path, monkeypatch):
    (tmp_path / "dbt_project" / "target" / "compiled" / "_seeds.yml").mkdir(parents=True)
    (tmp_path / "dbt_project" / "model.sql").write_text("select 1")
    monkeypatch.setattr(fingerprints, "PROJECT_ROOT", tmp_path)
    assert fingerprints._own_text.__wrapped__() == "select 1"

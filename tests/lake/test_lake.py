"""One lake: what it says of itself, how it is kept small, and how it is deleted."""

import shutil
import threading
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import duckdb
import psycopg
import pytest
from psycopg.sql import SQL, Literal
from pydantic import SecretStr

from include.connections.states import State
from include.purge.carrying_out import IN_SENTENCES
from include.purge.purging import PurgeUnfinished, purge
from include.settings import InvalidSettings, Settings, settings
from include.warehouse.backend import warehouse_of
from include.warehouse.errors import ExtensionMissing, LakeUnreachable
from include.warehouse.lake import catalog, compacting
from include.warehouse.lake.address import LakeAddress
from include.warehouse.lake.extensions import extension
from tests.backends import lake_settings, writing
from tests.postgres import PASSWORD

pytestmark = pytest.mark.lake

ID = "c0000000000000001"
OTHER = "c0000000000000002"

MANY = 4

LOADS = 2 * MANY + 2


@pytest.fixture
def current(postgres, tmp_path) -> Settings:
    return lake_settings(tmp_path / "data", postgres.address())


@pytest.fixture
def lake(current):
    """A warehouse with a table of a thousand rows, which hold a canary."""
    with writing(current, ID) as database:
        database.execute("create schema raw; create schema marts")
        database.execute(
            "create table raw.t as select range as id, 'c4n4ry-' || range as v from range(1000)"
        )
    return warehouse_of(current, ID)


def rows(warehouse, query="from raw.t order by all"):
    with warehouse.open_for_reading() as database:
        return database.execute(query).fetchall()


def files(current, kind="*.parquet"):
    return sorted(Path(current.lake_storage).rglob(kind))


def test_nothing_is_there_before_the_first_load(current):
    warehouse = warehouse_of(current, ID)
    assert not warehouse.exists()
    assert warehouse.measure() == {"files": 0, "bytes": 0, "tables in the catalog": 0, "rows": 0}
    with pytest.raises(duckdb.Error, match="does not exist"):
        warehouse.open_for_reading()
    assert not warehouse.exists()
    warehouse.discard_if_empty()
    warehouse.destroy()


def test_a_lake_that_nothing_was_written_into_is_discarded(current, lake):
    empty = warehouse_of(current, OTHER)
    empty.dlt_destination()
    assert empty.exists()
    empty.discard_if_empty()
    assert not empty.exists()
    lake.discard_if_empty()
    assert len(rows(lake)) == 1000


def test_reading_changes_nothing_and_leaves_nothing_open(current, lake, postgres):
    with lake.open_for_reading() as database:
        assert database.execute("select current_database()").fetchall() == [("warehouse",)]
        with pytest.raises(duckdb.Error, match="read-only"):
            database.execute("create table raw.other as select 1")
        # More than fits: it goes to the working folder, and is deleted there.
        database.execute("set memory_limit = '60MB'; set threads = 1")
        sort = "select md5(range::varchar) as v, range from range(2000000) order by v"
        database.execute(sort)
        assert [one for one in current.work_dir(ID).rglob("*.tmp") if one.is_file()] != []
    assert list(current.work_dir(ID).glob("*")) == []
    with psycopg.connect(postgres.address(), autocommit=True) as server:
        name = LakeAddress.of(current, ID).catalog.database
        count = "select count(*) from pg_stat_activity where datname = %s"
        for _ in range(100):
            if server.execute(count, [name]).fetchone() == (0,):
                return
        pytest.fail("connections to Postgres are left open")


def test_rows_are_never_kept_in_the_catalog(current, lake, postgres):
    """Of a few changed rows, too: else deleting the data would not delete them."""
    with writing(current, ID) as database:
        database.execute("insert into raw.t values (5000, 'inlined-1'), (5001, 'inlined-2')")
        database.execute("update raw.t set v = 'inlined-3' where id = 5")
        database.execute("delete from raw.t where id = 6")
    schema = LakeAddress.of(current, ID).schema
    with psycopg.connect(current.lake_catalog_url.get_secret_value()) as catalogs:
        found = catalogs.execute(
            "select tablename from pg_tables where schemaname = %s and tablename ~ '^ducklake_inl'",
            [schema],
        ).fetchall()
        for (table,) in found:
            query = f'select count(*) from "{schema}"."{table}"'
            assert catalogs.execute(query).fetchone() == (0,)
    assert lake.measure()["rows"] == 1001


def test_a_lake_stays_small_however_often_it_is_loaded(current, lake, monkeypatch):
    """Each load replaces a tenth of the rows, adds some, and replaces all of a mart."""
    monkeypatch.setattr(compacting, "MANY_FILES", MANY)
    expected = dict(rows(lake))
    for load in range(LOADS):
        with writing(current, ID) as database:
            database.execute(
                f"update raw.t set v = 'of load {load}' where id % 10 = {load % 10};"
                f"insert into raw.t select {1000 + load}, 'new';"
                f"create table marts.fresh as select {load} as load from range(100)"
            )
            if load:
                database.execute("drop table marts.m")
            database.execute("alter table marts.fresh rename to m")
        expected |= {key: f"of load {load}" for key in expected if key % 10 == load % 10}
        expected[1000 + load] = "new"
        lake.compact()
        assert len(files(current)) < 2 * MANY
    assert dict(rows(lake)) == expected
    assert rows(lake, "select distinct load from marts.m") == [(LOADS - 1,)]
    assert rows(lake, "select count(*) < 5 from ducklake_snapshots('warehouse')") == [(True,)]


def test_files_of_a_commit_that_was_cut_off_are_deleted(current, lake):
    (known,) = files(current)
    orphan = known.with_name("ducklake-of-a-process-that-was-killed.parquet")
    shutil.copy(known, orphan)
    lake.compact()
    assert files(current) == [known]
    assert len(rows(lake)) == 1000


def test_deleting_one_lake_leaves_nothing_of_it_and_all_of_the_others(current, lake, postgres):
    with writing(current, OTHER) as database:
        database.execute("create schema raw; create table raw.t as select 1 as id, 'other' as v")
    catalogs = current.lake_catalog_url.get_secret_value()
    with psycopg.connect(catalogs, autocommit=True) as database:
        database.execute("analyze")  # as autovacuum does now and then: no values must be sampled
    assert postgres.holding("c4n4ry-99", catalogs) != []
    lake.destroy()
    assert not lake.exists()
    assert not any(lake.measure().values())
    assert postgres.holding("c4n4ry-99", catalogs) == []
    assert [
        path for path in current.data_dir.rglob("*") if ID in str(path) and path.is_file()
    ] == []
    assert rows(warehouse_of(current, OTHER)) == [(1, "other")]


def test_a_writer_that_does_not_end_is_ended(current, lake, monkeypatch):
    """A transaction that keeps the catalog locked does not keep it from being deleted."""
    monkeypatch.setattr(catalog, "PATIENCE_S", 1)
    schema = LakeAddress.of(current, ID).schema
    with psycopg.connect(current.lake_catalog_url.get_secret_value()) as writer:
        writer.execute(f'insert into "{schema}".ducklake_snapshot (snapshot_id) values (9999)')
        lake.destroy()
        with pytest.raises(psycopg.OperationalError):
            writer.execute("select 1")
    assert not lake.exists()


def test_a_late_writer_cannot_make_the_lake_anew(current, lake):
    destination = lake.dlt_destination()
    statements = destination.config_params["credentials"].statements
    lake.destroy()
    *before, attaching = statements
    with duckdb.connect() as database:
        for statement in before:
            database.execute(statement)
        with pytest.raises(duckdb.Error, match="explicitly disabled"):
            database.execute(attaching)
    assert not lake.exists()


def test_two_writers_at_once_commit_all_or_nothing(current, lake):
    """The lease forbids it; should it happen all the same, no row is lost or doubled."""
    failures = []

    def write(start):
        with writing(current, ID) as database:
            for number in range(start, start + 10):
                try:
                    database.execute(f"insert into raw.t values ({number}, 'race')")
                except duckdb.Error:
                    failures.append(number)

    writing(current, ID).close()
    threads = [threading.Thread(target=write, args=(start,)) for start in (10_000, 20_000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [key for (key,) in rows(lake, "select id from raw.t where v = 'race' order by 1")]
    assert len(found) == len(set(found))
    assert set(found) | set(failures) == {*range(10_000, 10_010), *range(20_000, 20_010)}


def test_an_extension_that_is_not_installed_is_named():
    with pytest.raises(ExtensionMissing, match=r"sqlite_scanner .*corvana-sentry\[cluster\]"):
        extension("sqlite_scanner")


def test_extensions_are_checked_for_duckdbs_signature(tmp_path):
    """They come from a package index, repackaged by somebody."""
    forged = tmp_path / "ducklake.duckdb_extension"
    content = bytearray(extension("ducklake").read_bytes())
    content[len(content) // 2] ^= 1
    forged.write_bytes(content)
    with duckdb.connect() as database, pytest.raises(duckdb.Error, match="signature"):
        database.execute(f"load '{forged}'")


@pytest.mark.parametrize(
    "changed",
    [
        {"lake_catalog_url": f"postgresql://postgres:{PASSWORD}x@127.0.0.1:{{port}}/postgres"},
        {"lake_catalog_url": f"postgresql://postgres:{PASSWORD}@127.0.0.1:9/postgres"},
        {
            "lake_storage": "s3://no-such-bucket",
            "lake_s3_endpoint": "127.0.0.1:9",
            "lake_s3_access_key_id": "somebody",
            "lake_s3_secret_access_key": PASSWORD,
        },
    ],
    ids=["password", "port", "store"],
)
def test_what_cannot_be_reached_is_said_without_secrets(postgres, tmp_path, changed):
    wrong = {name: str(value).format(port=postgres.port) for name, value in changed.items()}
    current = lake_settings(tmp_path / "data", postgres.address(), **wrong)
    warehouse = warehouse_of(current, ID)
    for action in (warehouse.dlt_destination, warehouse.measure, warehouse.destroy):
        with pytest.raises(LakeUnreachable) as said:
            action()
        assert PASSWORD not in repr(said.value)
        assert said.value.__suppress_context__
    warehouse.discard_if_empty()
    with pytest.raises(duckdb.Error) as said:
        warehouse.open_for_reading()
    assert PASSWORD not in repr(said.value)
    assert LakeUnreachable in IN_SENTENCES


def test_the_address_shows_no_secret(current):
    address = LakeAddress.of(current, ID)
    assert PASSWORD not in repr(address)
    *_, attaching = address.statements()
    assert attaching.startswith("ATTACH")
    assert PASSWORD not in attaching
    assert PASSWORD not in repr(current)


def test_a_password_may_hold_anything(postgres, tmp_path):
    """Quotes, spaces, and what stands for itself in an address."""
    password = 'it\'s a \\ "p%ss" wörd; $ = @ / :'
    with psycopg.connect(postgres.address(), autocommit=True) as server:
        make = SQL("create role odd login superuser password {}")
        server.execute(make.format(Literal(password)))
    made = lake_settings(tmp_path / "data", postgres.address())
    database = LakeAddress.of(made, ID).catalog.database
    address = f"postgresql://odd:{quote(password, safe='')}@127.0.0.1:{postgres.port}/{database}"
    current = made.model_copy(update={"lake_catalog_url": SecretStr(address)})
    with writing(current, ID) as written:
        written.execute("create schema raw; create table raw.t as select 1 as id")
    assert rows(warehouse_of(current, ID)) == [(1,)]


@pytest.fixture
def disconnected(installation):
    """A connection that was loaded, and is to be purged."""
    one = installation.connect()
    with writing(installation.settings, one.id) as database:
        database.execute("create schema raw; create table raw.t as select 1 as id")

    def loaded(report):
        report.loaded_at = datetime.now(UTC)

    installation.registry.reports.change(one.id, loaded)
    installation.registry.disconnect(one.id, "admin")
    return one


def test_a_storage_that_is_not_mounted_is_no_deletion(installation, disconnected, tmp_path):
    storage = Path(installation.settings.lake_storage)
    storage.rename(tmp_path / "elsewhere")
    with pytest.raises(PurgeUnfinished, match="no lakes' data in CORVANA_LAKE_STORAGE"):
        purge(installation.settings, installation.registry, disconnected.id)
    assert installation.registry.get(disconnected.id).state is State.DISCONNECTING
    (tmp_path / "elsewhere").rename(storage)
    purge(installation.settings, installation.registry, disconnected.id)
    assert installation.registry.get(disconnected.id).state is State.PURGED
    assert installation.schemas() == []


def test_another_database_is_no_deletion(installation, disconnected, postgres):
    wrong = installation.settings.model_copy(
        update={"lake_catalog_url": SecretStr(postgres.make("wrong"))}
    )
    with pytest.raises(PurgeUnfinished, match="no lakes' catalogs in the database"):
        purge(wrong, installation.registry, disconnected.id)
    assert installation.registry.get(disconnected.id).state is State.DISCONNECTING
    purge(installation.settings, installation.registry, disconnected.id)
    assert installation.registry.get(disconnected.id).state is State.PURGED
    assert installation.schemas() == []


CATALOG = {"LAKE_CATALOG_URL": f"postgresql://lakes:{PASSWORD}@postgres:5432/lakes"}


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({}, "LAKE_CATALOG_URL"),
        (CATALOG, "LAKE_STORAGE"),
        ({"LAKE_CATALOG_URL": f"mysql://lakes:{PASSWORD}@host/lakes"}, "LAKE_CATALOG_URL"),
        ({**CATALOG, "LAKE_STORAGE": "gs://bucket"}, "LAKE_STORAGE"),
        ({**CATALOG, "LAKE_STORAGE": "s3://bucket/lakes"}, "LAKE_S3_ACCESS_KEY_ID"),
    ],
    ids=["no catalog", "no storage", "another database", "another store", "no key"],
)
def test_settings_that_are_not_enough_for_lakes_are_named(monkeypatch, variables, named):
    for name, value in {"WAREHOUSE_BACKEND": "ducklake", **variables}.items():
        monkeypatch.setenv(f"CORVANA_{name}", value)
    with pytest.raises(InvalidSettings, match=f"CORVANA_{named} ") as said:
        settings.__wrapped__()
    assert PASSWORD not in str(said.value)

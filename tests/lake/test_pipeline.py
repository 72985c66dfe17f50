"""The pipeline with its warehouses in lakes: the same marts, the same purges."""

import logging
import signal
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from include import tasks
from include.connections.models import LeaseRow
from include.connections.states import State
from include.published.layout import VIEWS
from include.purge.checking import check_due
from include.purge.purging import purge
from include.transform.build import build
from include.warehouse.backend import warehouse_of
from include.warehouse.lake.destination import LakePool
from include.warehouse.past_loads import has_unfinished_load
from tests import store as stores
from tests.backends import writing
from tests.integration.cutting import cut_off_at
from tests.integration.truth.comparison import differences
from tests.integration.truth.marts import MARTS
from tests.lake.conftest import go_on
from tests.postgres import PASSWORD
from tests.purge.planting import PLANTED

pytestmark = pytest.mark.lake


@pytest.fixture(scope="module")
def store():
    with stores.running() as up:
        yield up


@pytest.fixture
def logged(tmp_path_factory):
    """A file with everything that is logged: too much for the report of a failure."""
    file = tmp_path_factory.mktemp("logged") / "everything.log"
    handler, root = logging.FileHandler(file), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield file
    root.removeHandler(handler)
    root.setLevel(level)
    handler.close()


COMPARED = {
    "issues": "id, status, count, first_seen, last_seen",
    "releases": "id, version",
    "project_error_volume": "* exclude (_dlt_load_id)",
}
"""Columns that do not depend on the salt of a connection, or on when it was loaded."""


class TestInStore:
    @pytest.fixture
    def options(self, store):
        """Settings with the data in an object store."""
        return store.options

    def test_from_connecting_to_the_purge(self, installation, store, monkeypatch, capfd, logged):
        """With everything logged that can be; what was collected, and no secret, is searched."""
        monkeypatch.setenv("DBT_DEBUG", "true")
        one = installation.connect()
        tasks.load(one.id)
        tasks.build(one.id)
        tasks.publish(one.id)
        views = installation.settings.published_dir / VIEWS
        with duckdb.connect(str(views), read_only=True) as published:
            (issues,) = published.execute("select count(*) from dim_issue").fetchone()
        with installation.warehouse(one).open_for_reading() as lake:
            assert lake.execute("select count(*) from raw.issues").fetchone() == (issues,)
            assert lake.execute("select count(*) from marts.dim_issue").fetchone() == (issues,)
        assert issues > 50
        assert any(f"/{one.id}/raw/issues/" in name for name in store.names())
        assert installation.in_catalogs(PLANTED) != []  # least and largest values
        assert not list(installation.settings.work_dir(one.id).rglob("*"))

        installation.registry.disconnect(one.id, "admin")
        receipt = purge(installation.settings, installation.registry, one.id)
        assert receipt.verification.is_clean
        assert installation.registry.get(one.id).state is State.PURGED
        amounts = {step.step: step.deleted for step in receipt.steps}["warehouse"]
        assert amounts["files"] > 20
        assert amounts["rows"] > 1000
        assert amounts["tables in the catalog"] > 20
        assert [name for name in store.names() if one.id in name] == []
        assert store.holding(PLANTED.encode()) == []
        assert installation.schemas() == []
        assert installation.in_catalogs(PLANTED) == []
        assert installation.holding(PLANTED) == []

        printed = logged.read_text() + "".join(capfd.readouterr())
        assert "On model." in printed  # dbt's debugging
        for secret in (PASSWORD, stores.KEY):
            assert secret not in printed
            assert installation.holding(secret) == []
            assert installation.in_catalogs(secret) == []
            assert store.holding(secret.encode()) == []


def test_a_load_that_was_cut_off_is_continued_by_the_next(
    installation, monkeypatch, logged, tmp_path
):
    one = installation.connect()
    warehouse = installation.warehouse(one)
    with monkeypatch.context() as patch:
        cut_off_at(patch, 6)
        with pytest.raises(Exception, match="dlt's step 'load'") as caught:
            tasks.load(one.id)
    assert PASSWORD not in logged.read_text() + repr(caught.value)
    assert installation.holding(PASSWORD) == []
    assert has_unfinished_load(warehouse)
    with pytest.raises(Exception, match="was cut off"):
        tasks.build(one.id)
    tasks.load(one.id)
    assert not has_unfinished_load(warehouse)
    undisturbed = installation.twin(tmp_path / "twin")
    monkeypatch.setattr(tasks, "settings", lambda: undisturbed.settings)
    twin = undisturbed.connect()
    tasks.load(twin.id)
    for table, columns in COMPARED.items():
        query = f"select {columns} from raw.{table} order by all"
        with installation.warehouse(one).open_for_reading() as lake:
            found = lake.execute(query).fetchall()
        with undisturbed.warehouse(twin).open_for_reading() as lake:
            assert lake.execute(query).fetchall() == found
        assert len(found) > 10


def test_a_load_attaches_its_lake_once(installation, monkeypatch):
    """dlt connects some thirty times."""
    attached, connected = [], []
    attach, borrow = LakePool._execute_statements, LakePool.borrow_conn
    monkeypatch.setattr(
        LakePool,
        "_execute_statements",
        lambda pool, connection: attached.append(pool) or attach(pool, connection),
    )
    monkeypatch.setattr(
        LakePool,
        "borrow_conn",
        lambda pool, **options: connected.append(pool) or borrow(pool, **options),
    )
    tasks.load(installation.connect().id)
    assert len(attached) == 1
    assert len(connected) > 20
    assert set(connected) == set(attached)


def test_a_build_is_one_commit(installation):
    """By dbt, and as it was built before."""
    one = installation.connect()
    tasks.load(one.id)
    warehouse, data = installation.warehouse(one), installation.settings.data_dir
    built = []
    for _ in range(2):
        before = snapshots(warehouse)
        build(warehouse, data / "work" / one.id, data / "dbt")
        assert snapshots(warehouse) == before + 1
        with warehouse.open_for_reading() as lake:
            built.append({mart: rows(lake, mart) for mart in MARTS})
            comments = "select comment from duckdb_columns() where schema_name = 'marts'"
            assert all(comment for (comment,) in lake.execute(comments).fetchall())
    for mart, (key, _) in MARTS.items():
        assert not differences(built[0][mart], built[1][mart], key), mart


def rows(lake, mart):
    found = lake.sql(f"from marts.{mart}")
    return [dict(zip(found.columns, map(zoned, row), strict=True)) for row in found.fetchall()]


def zoned(value):
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


def snapshots(warehouse):
    with warehouse.open_for_reading() as lake:
        return lake.execute("select count(*) from ducklake_snapshots('warehouse')").fetchone()[0]


def test_two_loads_at_once(installation):
    """The second one is turned away before it touches the lake."""
    one = installation.connect()
    first = installation.start("load", "load", one)
    with pytest.raises(Exception, match="is working on this connection"):
        tasks.load(one.id)
    assert go_on(first) == "done"
    assert not has_unfinished_load(installation.warehouse(one))


def test_disconnected_while_it_is_loaded(installation):
    one, other_id = installation.connect(), "c0000000000000002"
    with writing(installation.settings, other_id) as database:
        database.execute("create schema raw; create table raw.t as from range(100)")
    other = warehouse_of(installation.settings, other_id)
    before = other.measure()
    worker = installation.start("load", "load", one)
    installation.registry.disconnect(one.id, "admin")
    go_on(worker)
    purge(installation.settings, installation.registry, one.id)
    assert installation.schemas() == [f"lake_{other_id}"]
    assert installation.warehouse(one).measure() == dict.fromkeys(before, 0)
    assert other.measure() == before


def test_a_late_writer_on_another_machine_brings_nothing_back(installation, monkeypatch):
    """Without its catalog it cannot commit; files that it wrote are found an hour later."""
    monkeypatch.setattr("include.purge.steps.fence.ELSEWHERE_S", 0.5)
    one = installation.connect()
    worker = installation.start("load", "load", one)
    registry = installation.registry
    with registry.database.writing() as session:
        session.get_one(LeaseRow, one.id).host = "another-machine"
    registry.disconnect(one.id, "admin")
    receipt = purge(installation.settings, registry, one.id)
    assert "its lease was broken" in receipt.steps[0].note
    assert go_on(worker) not in {"done", str(-signal.SIGKILL)}
    assert installation.schemas() == []
    check_due(installation.settings, registry, datetime.now(UTC) + timedelta(hours=1, seconds=1))
    assert installation.holding(PLANTED) == []
    assert installation.in_catalogs(PLANTED) == []
    assert not any(warehouse_of(installation.settings, one.id).measure().values())

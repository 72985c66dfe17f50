"""Publishing: generations that switch at once, the views over them, and their end."""

import json
import os
import signal
import time
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from include.published import current
from include.published.generations import file_of, pointer_in
from include.published.layout import (
    CURRENT,
    GENERATIONS,
    VIEWS,
    generations_of,
    linked,
    published_of,
)
from include.warehouse import publishing, views
from include.warehouse.duckdb_file import DuckDBFile
from include.warehouse.publishing import publish, withdraw

HOURS = timedelta(hours=2)


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(publishing, "READERS_FINISH_S", 0.0)


@pytest.fixture
def marts(tmp_path) -> DuckDBFile:
    """A warehouse with two marts and something that is none."""
    warehouse = DuckDBFile(tmp_path, "warehouse")
    change(warehouse, "create schema marts; create schema raw; create table raw.x as select 1")
    change(warehouse, "create table marts.a as select range as n from range(3)")
    change(warehouse, "create table marts.b as select 'x' as v where false")
    return warehouse


@pytest.fixture
def published(tmp_path) -> Path:
    return tmp_path / "it's published"


def change(warehouse, statement):
    with duckdb.connect(str(warehouse.path)) as database:
        database.execute(statement)


def ask(published, query):
    """The answer of the views, opened anew."""
    with duckdb.connect(str(published / VIEWS), read_only=True) as database:
        return database.execute(query).fetchall()


def generations(published, connection_id):
    folder = generations_of(published, connection_id)
    return sorted(path.name for path in folder.iterdir() if path.is_dir())


def test_a_mart_is_a_view_over_all_connections(marts, published):
    assert publish(marts, published, "c1", HOURS) == {"a": 3, "b": 0}
    assert publish(marts, published, "c2", HOURS) == {"a": 3, "b": 0}
    assert ask(published, "select connection_id, sum(n) from a group by all order by 1") == [
        ("c1", 3),
        ("c2", 3),
    ]
    assert ask(published, "describe b")[1][:2] == ("connection_id", "VARCHAR")
    names = sorted(path.name for path in published.iterdir())
    assert names == [GENERATIONS, "a", "b", VIEWS]


def test_an_id_of_digits_stays_text(marts, published):
    publish(marts, published, "0001", HOURS)
    assert ask(published, "select distinct connection_id from a") == [("0001",)]


def test_who_opened_the_views_before_reads_on_in_the_generation_before(marts, published):
    publish(marts, published, "c1", HOURS)
    with duckdb.connect(str(published / VIEWS), read_only=True) as reader:
        change(marts, "insert into marts.a values (100); insert into marts.b values ('y')")
        publish(marts, published, "c1", HOURS)
        assert reader.sql(
            "select (select max(n) from a), (from (select count(*) from b))"
        ).fetchall() == [(2, 0)]
    assert ask(published, "select (select max(n) from a), (select count(*) from b)") == [(100, 1)]


def test_the_names_that_stay_lead_to_the_current_files(marts, published):
    publish(marts, published, "c1", HOURS)
    change(marts, "insert into marts.a values (100)")
    publish(marts, published, "c1", HOURS)
    generation = current(published, "c1")
    assert [*generation.marts] == ["a", "b"]
    for mart, file in generation.marts.items():
        assert linked(published, mart, "c1").samefile(file)
    assert duckdb.sql(
        f"select max(n) from '{str(published).replace(chr(39), chr(39) * 2)}/a/*/marts.parquet'"
    ).fetchall() == [(100,)]


def test_a_file_system_without_hard_links_gets_copies(marts, published, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    publish(marts, published, "c1", HOURS)
    for mart, file in current(published, "c1").marts.items():
        assert not linked(published, mart, "c1").samefile(file)
        assert linked(published, mart, "c1").read_bytes() == file.read_bytes()


def test_a_mart_that_is_no_longer_built_is_no_longer_published(marts, published):
    publish(marts, published, "c1", HOURS)
    change(marts, "drop table marts.b")
    assert publish(marts, published, "c1", HOURS) == {"a": 3}
    assert not (published / "b").exists()
    assert ask(published, "select view_name from duckdb_views() where not internal") == [("a",)]


def test_a_generation_that_was_replaced_stays_for_its_grace(marts, published):
    for _ in range(3):
        publish(marts, published, "c1", HOURS)
    first, second, third = generations(published, "c1")
    assert current(published, "c1").id == third
    mark = generations_of(published, "c1") / first / publishing.REPLACED
    since = mark.stat().st_mtime - HOURS.total_seconds()
    os.utime(mark, (since, since))
    publish(marts, published, "c1", HOURS)
    assert generations(published, "c1") == [second, third, current(published, "c1").id]


def test_without_grace_only_the_current_one_stays(marts, published):
    for _ in range(3):
        publish(marts, published, "c1", timedelta(0))
    assert generations(published, "c1") == [current(published, "c1").id]


def test_a_generation_is_later_than_the_one_before_whatever_the_clock_says(
    marts, published, monkeypatch
):
    publish(marts, published, "c1", HOURS)
    before = current(published, "c1")

    class Slow(publishing.datetime):
        @classmethod
        def now(cls, tz):
            return super().now(tz) - timedelta(hours=1)

    monkeypatch.setattr(publishing, "datetime", Slow)
    publish(marts, published, "c1", HOURS)
    after = current(published, "c1")
    assert after.id > before.id
    assert after.published_at - before.published_at == timedelta(microseconds=1)


def test_nothing_becomes_visible_that_the_check_does_not_allow(marts, published):
    publish(marts, published, "c1", HOURS)
    before = current(published, "c1")

    class Fenced(Exception):
        pass

    for allowed in range(3):  # before either file is made, and before both are switched to
        answers = iter([None] * allowed)

        def check(answers=answers):
            if next(answers, Fenced) is Fenced:
                raise Fenced

        with pytest.raises(Fenced):
            publish(marts, published, "c1", HOURS, check=check)
        assert current(published, "c1") == before
        assert generations(published, "c1") == [before.id]
    assert not ask(published, "select * from a where connection_id <> 'c1'")


POINTS = {
    "before a file is made": (publishing, "export"),
    "before it is whole": (publishing, "settle"),
    "before it is current": (publishing, "put"),
    "before the links": (publishing, "_link"),
    "before the views": (publishing, "show"),
    "before the views are replaced": (views, "_write"),
    "before it is noted what they show": (views, "put"),
    "before the one before is forgotten": (publishing, "_forget_replaced"),
}


@pytest.mark.parametrize("point", POINTS)
def test_however_it_is_killed_what_is_read_is_whole(marts, published, point):
    publish(marts, published, "c1", timedelta(0))
    publish(marts, published, "c2", timedelta(0))
    change(marts, "insert into marts.a values (100); insert into marts.b values ('y')")
    module, name = POINTS[point]
    killed(lambda: publish(marts, published, "c1", timedelta(0)), module, name)
    whole = {("c1", 2, None), ("c1", 100, 1)}
    seen = ask(
        published,
        "select connection_id, max(n), (select nullif(count(*), 0) from b where"
        " b.connection_id = a.connection_id) from a group by 1 order by 1",
    )
    assert seen[0] in whole
    assert seen[1] == ("c2", 2, None)
    generation = current(published, "c1")
    assert (rows(generation.marts["a"]), rows(generation.marts["b"])) in {(3, 0), (4, 1)}

    publish(marts, published, "c1", timedelta(0))
    assert ask(published, "select max(n) from a where connection_id = 'c1'") == [(100,)]
    assert generations(published, "c1") == [current(published, "c1").id]
    assert not [
        path for path in published.rglob("*") if path.name.startswith((".making", ".views"))
    ]


def killed(action, module, name):
    """Do something in a process that is killed when it gets to a function."""
    child = os.fork()
    if child == 0:  # it never returns from here
        try:
            setattr(module, name, lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
            action()
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL


def rows(file):
    return duckdb.execute("select count(*) from read_parquet($1)", [str(file)]).fetchall()[0][0]


def test_who_waited_for_the_views_and_finds_them_written_is_done(marts, published, monkeypatch):
    publish(marts, published, "c1", HOURS)
    generation = current(published, "c1").id
    assert not views.show(published, "c1", generation)
    assert not views.show(published, "c2", None)
    assert views.show(published, "c1", None)  # asked for what is not: it is looked again


def test_views_from_a_backup_are_written_anew(marts, published):
    publish(marts, published, "c1", HOURS)
    backup = (published / VIEWS).read_bytes()
    change(marts, "insert into marts.a values (100)")
    publish(marts, published, "c1", timedelta(0))
    (published / VIEWS).write_bytes(backup)
    assert views.show(published, "c1", current(published, "c1").id)
    assert ask(published, "select max(n) from a") == [(100,)]


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("alter table marts.a add column m integer default 7", [("c1", 3, None), ("c2", 3, 21)]),
        ("alter table marts.a alter n type varchar", [("c1", "2", None), ("c2", "2", None)]),
    ],
    ids=["a column more", "a column of another type"],
)
def test_connections_of_different_schemas_are_read_together(marts, published, statement, expected):
    publish(marts, published, "c1", HOURS)
    change(marts, statement)
    publish(marts, published, "c2", HOURS)
    has_more = "add column" in statement
    query = (
        "select connection_id, sum(n), sum(m)" if has_more else "select connection_id, max(n), null"
    )
    assert ask(published, f"{query} from a group by 1 order by 1") == expected
    assert ask(published, "select sum(n::int) from a where connection_id = 'c1'") == [(3,)]


def test_types_that_do_not_fit_together_leave_the_older_ones_out(marts, published, caplog):
    publish(marts, published, "c1", HOURS)
    change(marts, "drop table marts.a; create table marts.a as select [1, 2] as n")
    publish(marts, published, "c2", HOURS)
    assert ask(published, "select connection_id, n from a") == [("c2", [1, 2])]
    assert "a: the type of a column changed" in caplog.text
    publish(marts, published, "c1", HOURS)
    assert ask(published, "select connection_id from a order by 1") == [("c1",), ("c2",)]


def test_a_connection_whose_files_are_damaged_does_not_keep_others_from_being_read(
    marts, published
):
    publish(marts, published, "c1", HOURS)
    current(published, "c1").marts["b"].unlink()
    publish(marts, published, "c2", HOURS)
    assert current(published, "c1") is None
    assert ask(published, "select distinct connection_id from a") == [("c2",)]


def test_one_connection_reads_its_own_files_only(marts, published):
    for number in range(5):
        publish(marts, published, f"c{number}", HOURS)
    plan = ask(published, "explain analyze select count(*) from a where connection_id = 'c3'")
    assert "Scanning Files: 1/5" in plan[0][1]


def test_nothing_is_left_of_what_is_withdrawn(marts, published):
    for _ in range(2):
        publish(marts, published, "c1", HOURS)
        publish(marts, published, "c2", HOURS)
    killed(lambda: publish(marts, published, "c1", HOURS), publishing, "put")
    withdraw(published, "c1")
    assert current(published, "c1") is None
    assert published_of(published, "c1") == []
    assert not [path for path in published.rglob("*") if "c1" in str(path.relative_to(published))]
    assert not [
        path for path in published.rglob("*") if path.is_file() and b"c1" in path.read_bytes()
    ]
    assert ask(published, "select distinct connection_id from a") == [("c2",)]
    withdraw(published, "c2")
    assert ask(published, "select * from duckdb_views() where not internal") == []
    assert sorted(path.name for path in published.iterdir()) == [GENERATIONS, VIEWS]


def test_a_query_that_has_just_begun_may_end_before_files_are_deleted(
    marts, published, monkeypatch
):
    waits = []

    def meanwhile(seconds):
        waits.append(seconds)
        assert reader.execute("select distinct connection_id from a").fetchall() == [("c1",)]
        with duckdb.connect() as anew:
            path = str(published / VIEWS).replace("'", "''")
            anew.execute(f"attach '{path}' as corvana (read_only); use corvana")
            assert anew.execute("select * from duckdb_views() where not internal").fetchall() == []
        assert current(published, "c1") is None

    publish(marts, published, "c1", HOURS)
    monkeypatch.setattr(publishing.time, "sleep", meanwhile)
    with duckdb.connect(str(published / VIEWS), read_only=True) as reader:
        withdraw(published, "c1")
        with pytest.raises(duckdb.IOException, match="No files found that match the pattern"):
            reader.execute("from a")
    withdraw(published, "c1")
    assert len(waits) == 1


def test_to_withdraw_what_was_never_published_leaves_no_trace(published):
    withdraw(published, "c1")
    assert not published.exists()


@pytest.mark.parametrize(
    ("module", "name"),
    [(publishing, "_hide"), (views, "_write"), (views, "put"), (publishing, "_remove")],
    ids=["before the views", "before they are written", "before that is noted", "before files"],
)
def test_a_withdrawal_that_is_killed_breaks_no_reader_and_is_gone_on_with(
    marts, published, module, name
):
    publish(marts, published, "c1", HOURS)
    publish(marts, published, "c2", HOURS)
    killed(lambda: withdraw(published, "c1"), module, name)
    assert ("c2", 3) in ask(published, "select connection_id, count(*) from a group by 1")
    publish(marts, published, "c2", HOURS)
    assert ask(published, "select distinct connection_id from a") == [("c2",)]
    withdraw(published, "c1")
    assert published_of(published, "c1") == []


def test_files_are_deleted_also_where_the_views_cannot_be_written(marts, published, monkeypatch):
    publish(marts, published, "c1", HOURS)

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(views, "_write", full)
        with pytest.raises(OSError, match="No space left"):
            withdraw(published, "c1")
    assert published_of(published, "c1") == []
    withdraw(published, "c1")
    assert ask(published, "select * from duckdb_views() where not internal") == []


def test_what_is_current_says_when_and_which_files(marts, published):
    assert current(published, "c1") is None
    publish(marts, published, "c1", HOURS)
    generation = current(published, "c1")
    assert generation.published_at.utcoffset() == timedelta(0)
    assert {mart: rows(file) for mart, file in generation.marts.items()} == {"a": 3, "b": 0}
    pointer = json.loads((generations_of(published, "c1") / "current.json").read_text())
    assert pointer["marts"]["a"]["rows"] == 3


def test_the_views_of_a_thousand_connections_open_one_file_a_mart(published, tmp_path):
    """All other files are no Parquet: whoever opened one would fail."""
    warehouse = DuckDBFile(tmp_path, "many")
    change(warehouse, "create schema marts")
    for number in range(13):
        change(warehouse, f"create table marts.mart_{number} as select 1 as n")
    publish(warehouse, published, "newest", HOURS)
    newest = generations_of(published, "newest")
    pointer = pointer_in(newest)
    older = pointer.generation.replace("20", "19", 1)
    (tmp_path / "garbage").write_text("no Parquet")
    content = (newest / CURRENT).read_text().replace(pointer.generation, older)
    for number in range(1000):
        folder = generations_of(published, f"c{number}")
        (folder / older).mkdir(parents=True)
        (folder / CURRENT).write_text(content)
        for mart in pointer.marts:
            file_of(folder, older, mart).hardlink_to(tmp_path / "garbage")
    began = time.process_time()
    publish(warehouse, published, "newest", HOURS)
    assert time.process_time() - began < 3
    with duckdb.connect(str(published / VIEWS), read_only=True) as database:
        for mart in pointer.marts:
            query = f"select * from {mart} where connection_id = 'newest'"
            assert database.execute(query).fetchall() == [(1, "newest")]
        with pytest.raises(duckdb.Error, match=r"too small|magic bytes"):
            database.execute("select * from mart_0 where connection_id = 'c7'").fetchall()

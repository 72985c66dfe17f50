"""Loads that were cut off, loads without changes, and publishing."""

from dataclasses import replace
from datetime import timedelta
from itertools import count
from math import ceil
from pathlib import Path

import duckdb
import pytest

from dlt_sources.sentry import context, endpoints
from dlt_sources.sentry.client import Client
from dlt_sources.sentry.errors import AccessDenied, LoadFailed, UnexpectedResponse
from dlt_sources.sentry.tables import TABLES
from include.warehouse import publishing

# run_id differs by design; what an issue's last change was observed at depends on the loads before.
DIFFERING = {"load_runs": None, "issues": "observed_at"}


def contents(connection):
    """Every row of every raw table, without what tells loads apart."""
    found = {}
    for name, table in TABLES.items():
        if name == "load_runs":
            continue
        columns = [c for c in table.schema.names if c != DIFFERING.get(name)]
        found[name] = connection.rows(f"select {', '.join(columns)} from raw.{name} order by all")
    return found


def fail(*_args, **_kwargs):
    raise RuntimeError("cut off")


def broken_from(number, generate_sql):
    """Let the merges from a given one on fail; dlt merges tables in no order of ours."""
    merges = count(1)

    def generate(*args, **kwargs):
        if next(merges) >= number:
            return ["select * from no_such_table"]
        return generate_sql(*args, **kwargs)

    return staticmethod(generate)


@pytest.fixture
def twins(connection, tmp_path):
    """Two connections to the same organization, both loaded until now."""
    pair = [replace(connection, folder=tmp_path / name) for name in ("one", "other")]
    for each in pair:
        each.load()
    return pair


@pytest.mark.parametrize("moment", [4, 8, "the end"])
def test_after_a_cut_off_load_the_next_one_catches_up_completely(twins, monkeypatch, moment):
    from dlt.destinations.sql_jobs import SqlMergeFollowupJob  # noqa: PLC0415
    from dlt.load.load import Load  # noqa: PLC0415

    cut_off, undisturbed = twins
    before = contents(cut_off)
    cut_off.advance(hours=30)
    with monkeypatch.context() as patch:
        if moment == "the end":
            patch.setattr(Load, "complete_package", fail)
        else:
            broken = broken_from(moment, SqlMergeFollowupJob.generate_sql)
            patch.setattr(SqlMergeFollowupJob, "generate_sql", broken)
        with pytest.raises(LoadFailed, match="the next one repeats it whole"):
            cut_off.load()
    assert moment != "the end" or contents(cut_off) != before

    cut_off.load()
    undisturbed.load()
    caught_up, expected = contents(cut_off), contents(undisturbed)
    # The histories that are read again can show more: what was undone between two loads.
    assert set(caught_up.pop("issue_activities")) >= set(expected.pop("issue_activities"))
    assert caught_up == expected


def test_a_load_without_changes_writes_nothing_and_asks_little(connection):
    connection.load()
    before = contents(connection)
    connection.sandbox.requests.reset()
    summary = connection.load()
    assert contents(connection) == before
    assert {name: n for name, n in summary.rows.items() if n} == {"load_runs": 1}
    known = connection.rows("select count(*) from raw.issues where tombstone is null")[0][0]
    projects = connection.rows("select count(*) from raw.projects")[0][0]
    assert connection.sandbox.requests.total == summary.requests
    assert summary.requests <= ceil(known / 100) + projects + 10


def test_a_status_or_an_assignee_that_changed_without_an_event_is_noticed(connection):
    connection.load()
    query = "select id, status, assignee_key, last_seen from raw.issues where tombstone is null"
    before = {row[0]: row[1:] for row in connection.rows(query)}
    connection.advance(days=7)
    connection.load()
    quiet = {
        row[0]: (row[1] != before[row[0]][0], row[2] != before[row[0]][1])
        for row in connection.rows(query)
        if row[0] in before and row[3] == before[row[0]][2]
    }
    assert sum(status for status, _ in quiet.values()) >= 3
    assert sum(assignee for _, assignee in quiet.values()) >= 3


class Narrowed(Client):
    """A client from which a project is hidden, as when the connecting user leaves its team."""

    hidden = ""

    def pages(self, endpoint, kind, params=None, **at):
        for page in super().pages(endpoint, kind, params, **at):
            if endpoint is endpoints.PROJECTS:
                yield [project for project in page if project.id != self.hidden]
            elif endpoint is endpoints.ISSUES:
                yield [issue for issue in page if issue.project.id != self.hidden]
            else:
                yield page


def test_a_project_that_comes_back_in_reach_is_caught_up_with(connection, tmp_path, monkeypatch):
    twin = replace(connection, folder=tmp_path / "twin")
    narrowed = replace(connection, folder=tmp_path / "narrowed")
    for each in (twin, narrowed):
        each.load()
    query = "select project_id, count(*) from raw.issues group by all order by 2 desc limit 1"
    [(project, issues)] = narrowed.rows(query)
    monkeypatch.setattr(Narrowed, "hidden", project)
    connection.advance(days=4)
    narrowed.load(Narrowed)
    lost = narrowed.rows("select count(*) from raw.issues where tombstone = 'out_of_reach'")
    assert lost == [(issues,)]
    assert narrowed.load(Narrowed).changes == {}

    connection.advance(hours=1)
    for each in (twin, narrowed):
        each.load()
    assert narrowed.rows("select count(*) from raw.issues where tombstone = 'out_of_reach'") == [
        (0,)
    ]
    for table in ("issues", "project_error_volume", "issue_release_volume"):
        assert contents(narrowed)[table] == contents(twin)[table]


def test_a_project_that_goes_out_of_reach_during_a_load_keeps_its_place(connection, tmp_path):
    class Refused(Client):
        def get(self, endpoint, kind, params=None, **at):
            if endpoint is endpoints.OUTCOMES and params["project"] == project:
                raise AccessDenied
            return super().get(endpoint, kind, params, **at)

    twin = replace(connection, folder=tmp_path / "twin")
    refused = replace(connection, folder=tmp_path / "refused")
    project = connection.organization.projects[0].id
    refused.load(Refused)
    query = "select distinct project_id from raw.project_error_volume"
    assert (project,) not in refused.rows(query)
    for each in (twin, refused):
        each.load()
    assert contents(refused)["project_error_volume"] == contents(twin)["project_error_volume"]


def test_days_that_sentry_no_longer_keeps_have_no_events(connection, tmp_path, monkeypatch):
    """A plan may retain less than 90 days; here we ask for more."""
    monkeypatch.setattr(context, "RETENTION", timedelta(days=120))
    older = replace(connection, folder=tmp_path)
    older.load()
    days = [day for (day,) in older.rows("select distinct date from raw.issue_release_volume")]
    assert (max(days) - min(days)).days in {90, 91}


def test_a_load_at_midnight_asks_for_no_day_that_has_not_begun(connection, tmp_path):
    now = connection.sandbox.clock.now
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    connection.sandbox.clock.advance((midnight - now).total_seconds())
    at_midnight = replace(connection, folder=tmp_path)
    at_midnight.load()
    assert at_midnight.rows("select max(date) from raw.issue_release_volume") == [
        ((midnight - timedelta(days=1)).date(),)
    ]


def test_an_answer_with_other_issues_than_asked_for_stops_the_load(connection):
    class Ignoring(Client):
        """A server that ignores `group=` answers with a search."""

        def pages(self, endpoint, kind, params=None, **at):
            asked = {k: v for k, v in (params or {}).items() if k != "group"}
            return super().pages(endpoint, kind, asked, **at)

    connection.load()
    with pytest.raises(UnexpectedResponse, match="ignored `group=`"):
        connection.load(Ignoring)


@pytest.fixture
def marts(tmp_path) -> Path:
    """A warehouse with two marts and something that is none."""
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as database:
        database.execute("create schema marts; create schema raw; create table raw.x as select 1")
        database.execute("create table marts.a as select range as n from range(3)")
        database.execute("create table marts.b as select 'x' as v where false")
    return path


def test_publishing_makes_a_view_a_mart_over_all_connections(marts, tmp_path):
    published = tmp_path / "it's published"
    assert publishing.publish(marts, published, "c1") == {"a": 3, "b": 0}
    assert publishing.publish(marts, published, "c2") == {"a": 3, "b": 0}
    with duckdb.connect(str(published / publishing.VIEWS), read_only=True) as views:
        assert views.sql(
            "select connection_id, sum(n) from a group by all order by 1"
        ).fetchall() == [
            ("c1", 3),
            ("c2", 3),
        ]
        assert views.sql("describe b").fetchall()[1][:2] == ("connection_id", "VARCHAR")
    assert sorted(path.name for path in published.iterdir()) == ["a", "b", "corvana.duckdb"]


def test_publishing_goes_on_while_readers_have_the_views_open(marts, tmp_path):
    published = tmp_path / "published"
    publishing.publish(marts, published, "c1")
    with duckdb.connect(str(published / publishing.VIEWS), read_only=True) as reader:
        with duckdb.connect(str(marts)) as database:
            database.execute("insert into marts.a values (100)")
        publishing.publish(marts, published, "c1")
        assert reader.sql("select max(n) from a").fetchall() == [(100,)]


def test_a_mart_that_is_no_longer_built_is_no_longer_published(marts, tmp_path):
    published = tmp_path / "published"
    publishing.publish(marts, published, "c1")
    with duckdb.connect(str(marts)) as database:
        database.execute("drop table marts.b")
    assert publishing.publish(marts, published, "c1") == {"a": 3}
    assert not list(published.glob("b/*"))

"""Loads that were cut off, and loads without changes."""

from dataclasses import replace
from datetime import timedelta
from math import ceil

import pytest

from dlt_sources.sentry import endpoints
from dlt_sources.sentry.client import Client
from dlt_sources.sentry.context import Budget
from dlt_sources.sentry.errors import AccessDenied, LoadFailed
from dlt_sources.sentry.tables import TABLES
from tests.integration.cutting import cut_off_at

# When an issue's last change was observed and its history read depends on the loads before.
DIFFERING = {"issues": "observed_at", "issue_histories": "read_at"}


def contents(connection):
    """Every row of every raw table, without what tells loads apart."""
    found = {}
    for name, table in TABLES.items():
        if name.startswith("load_"):
            continue
        columns = [c for c in table.schema.names if c != DIFFERING.get(name)]
        found[name] = connection.rows(f"select {', '.join(columns)} from raw.{name} order by all")
    return found


def fail(*_args, **_kwargs):
    raise RuntimeError("cut off")


@pytest.fixture
def twins(connection, tmp_path):
    """Two connections to the same organization, both loaded until now."""
    pair = [replace(connection, folder=tmp_path / name) for name in ("one", "other")]
    for each in pair:
        each.load()
    return pair


@pytest.mark.parametrize("moment", [4, 8, "the end"])
def test_after_a_cut_off_load_the_next_one_catches_up_completely(twins, monkeypatch, moment):
    from dlt.load.load import Load  # noqa: PLC0415

    cut_off, undisturbed = twins
    before = contents(cut_off)
    cut_off.advance(hours=30)
    with monkeypatch.context() as patch:
        if moment == "the end":
            patch.setattr(Load, "complete_package", fail)
        else:
            cut_off_at(patch, moment)
        with pytest.raises(LoadFailed, match="goes on where it stopped"):
            cut_off.load()
    assert moment != "the end" or contents(cut_off) != before

    cut_off.load()
    undisturbed.load()
    caught_up, expected = contents(cut_off), contents(undisturbed)
    # The histories that are read again can show more: what was undone between two loads.
    assert set(caught_up.pop("issue_activities")) >= set(expected.pop("issue_activities"))
    assert caught_up.pop("issue_histories")
    assert expected.pop("issue_histories")
    assert caught_up == expected


def test_a_load_without_changes_writes_nothing_and_asks_little(connection):
    quiet = replace(connection, budget=Budget(audit=0))
    for _ in range(2):  # the second one compares the counts, once a day
        quiet.load()
    before = contents(quiet)
    connection.sandbox.requests.reset()
    summary = quiet.load()
    assert contents(quiet) == before
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


def test_a_project_that_comes_back_in_reach_is_caught_up_with(connection, tmp_path):
    twin = replace(connection, folder=tmp_path / "twin", budget=Budget(audit=0))
    narrowed = replace(connection, folder=tmp_path / "narrowed", budget=Budget(audit=0))
    for each in (twin, narrowed):
        each.load()
    query = "select project_id, count(*) from raw.issues group by all order by 2 desc limit 1"
    [(project, issues)] = narrowed.rows(query)
    connection.advance(days=4)
    with connection.sandbox.behaviours.during(hidden_projects=[project]):
        narrowed.load()
        hidden = "select count(*) from raw.issues where tombstone = 'out_of_reach'"
        assert narrowed.rows(hidden) == [(issues,)]
        assert narrowed.rows("select id from raw.projects where lost_at is not null") == [
            (project,)
        ]
        assert narrowed.rows(
            "select status, reason from raw.load_coverage"
            f" where subject = 'project' and name = '{project}'"
        ) == [("lost", "not_listed")]
        assert narrowed.load().changes == {}

    # Days of more pages than an hourly load may read wait for the daily pass.
    connection.advance(hours=25)
    for each in (twin, narrowed):
        each.load()
    assert narrowed.rows(hidden) == [(0,)]
    assert narrowed.rows("select id from raw.projects where lost_at is not null") == []
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
    refused.load()
    connection.advance(hours=2)
    refused.load(Refused)
    assert refused.rows(
        "select name, reason from raw.load_coverage where subject = 'project' and status = 'lost'"
    ) == [(project, "access_lost")]
    for each in (twin, refused):
        each.load()
    assert contents(refused)["project_error_volume"] == contents(twin)["project_error_volume"]


def test_days_that_a_smaller_plan_does_not_keep_have_no_events(connection, tmp_path):
    older = replace(connection, folder=tmp_path)
    with connection.sandbox.behaviours.during(retention_days=30):
        older.load()
    days = [day for (day,) in older.rows("select distinct date from raw.issue_release_volume")]
    assert (max(days) - min(days)).days in {29, 30}


def test_a_load_at_midnight_asks_for_no_day_that_has_not_begun(connection, tmp_path):
    now = connection.sandbox.clock.now
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    connection.sandbox.clock.advance((midnight - now).total_seconds())
    at_midnight = replace(connection, folder=tmp_path)
    at_midnight.load()
    assert at_midnight.rows("select max(date) from raw.issue_release_volume") == [
        ((midnight - timedelta(days=1)).date(),)
    ]

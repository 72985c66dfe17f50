"""History: newest first, slice by slice, cut off and continued, and read again on demand."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from math import ceil

import pytest

from dlt_sources.sentry import slices
from dlt_sources.sentry.backfill import OutOfRetention
from dlt_sources.sentry.context import Budget
from dlt_sources.sentry.errors import Unreachable
from include.sandbox.generate import DEFAULT_NOW, generate
from include.sandbox.server import running
from tests.integration.conftest import Connection
from tests.integration.test_loads import contents

OUTAGE = {"kind": "server_error"}


@pytest.fixture(scope="module")
def sandboxed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    organization = generate(seed=21, now=DEFAULT_NOW, issues=300)
    with running(organization) as sandbox:
        yield Connection(organization, sandbox, tmp_path_factory.mktemp("backfill"))


@pytest.fixture
def whole(sandboxed, tmp_path):
    """A connection loaded in one go."""
    one = replace(sandboxed, folder=tmp_path / "whole", budget=Budget(audit=0))
    one.load()
    return one


def in_parts(sandboxed, folder, monkeypatch) -> Connection:
    """A connection whose loads have time for a single slice of history, and small ones."""
    monkeypatch.setattr(slices, "FULL_ROWS", 60)
    return replace(
        sandboxed, folder=folder, budget=Budget(audit=0, backfill_s=0, first_backfill_s=0)
    )


def test_a_first_load_without_time_has_structure_and_what_is_active_now(
    sandboxed, tmp_path, monkeypatch
):
    parts = in_parts(sandboxed, tmp_path, monkeypatch)
    summary = parts.load()
    assert not summary.is_backfilled
    searched_from = parts.sandbox.clock.now - timedelta(hours=6, minutes=5)
    [(issues, earliest)] = parts.rows("select count(*), min(last_seen) from raw.issues")
    assert 0 < issues < 50
    assert earliest >= searched_from
    assert parts.rows("select count(*) from raw.project_error_volume")[0][0] > 1000
    assert parts.rows(
        "select status, reason from raw.load_coverage where subject = 'table' and name = 'issues'"
    ) == [("partial", "backfilling")]


def test_history_is_read_newest_first(sandboxed, tmp_path, monkeypatch):
    monkeypatch.setattr(slices, "FULL_ROWS", 60)
    one = replace(sandboxed, folder=tmp_path)
    one.load()
    by_slice = "from raw.{} group by _dlt_load_id order by _dlt_load_id"
    newest = [top for (top,) in one.rows("select max(first_seen) " + by_slice.format("issues"))]
    assert len(newest) > 5
    # Weeks come one after the other; within a week the order is Sentry's. The first slice is of
    # what was active in the last hours, whenever it was first seen.
    assert all(later <= earlier + timedelta(days=7) for earlier, later in pairwise(newest[1:]))
    days = one.rows("select min(date), max(date) " + by_slice.format("issue_release_volume"))
    assert len(days) > 5
    assert all(later[1] <= earlier[0] for earlier, later in pairwise(days))


def test_loads_that_are_cut_off_at_every_slice_end_with_the_same_as_one_load(
    sandboxed, whole, tmp_path, monkeypatch
):
    """Each load is stopped by an outage after some requests, and the next one goes on."""
    monkeypatch.setattr(slices, "FULL_ROWS", 60)
    parts = replace(sandboxed, folder=tmp_path / "parts", budget=Budget(audit=0), patience=1)
    for attempt in range(60):
        faults = [{"kind": "none", "times": 120 + 40 * attempt}, OUTAGE]
        with sandboxed.sandbox.behaviours.during(faults=faults):
            try:
                summary = parts.load()
            except Unreachable:
                summary = None
        if summary is not None and summary.is_backfilled:
            break
    else:
        pytest.fail("the loads never ended")
    assert attempt >= 2
    found, expected = contents(parts), contents(whole)
    assert {name: len(rows) for name, rows in found.items()} == {
        name: len(rows) for name, rows in expected.items()
    }
    assert found == expected


def test_histories_are_not_read_twice_by_the_load_that_goes_on(
    sandboxed, whole, tmp_path, monkeypatch
):
    """What is repeated is the slice that was under way, and no more."""
    monkeypatch.setattr(slices, "FULL_ROWS", 60)
    parts = replace(sandboxed, folder=tmp_path / "parts", budget=Budget(audit=0), patience=1)
    requests = sandboxed.sandbox.requests
    requests.reset()
    outage = {**OUTAGE, "routes": ["activities"], "skip": 150}
    with sandboxed.sandbox.behaviours.during(faults=[outage]), pytest.raises(Unreachable):
        parts.load()
    before = requests.by_route["activities"]
    committed = parts.rows("select count(*) from raw.issue_histories")[0][0]
    assert committed > 0
    requests.reset()
    parts.load()
    [(all_of_them,)] = whole.rows("select count(*) from raw.issue_histories")
    assert requests.by_route["activities"] <= all_of_them - committed + 1
    assert before - committed <= 110  # a batch, and those of a slice that was not full


def test_an_untouched_issue_has_its_first_seen_and_is_looked_into_by_the_audit(whole):
    untouched = """
        select count(*), count(*) filter (history.issue_id is not null)
        from raw.issues as issue
        left join raw.issue_histories as history on issue.id = history.issue_id
        where issue.status = 'unresolved' and issue.substatus in ('new', 'ongoing')
            and issue.assignee_key is null and issue.priority_locked_at is null
            and issue.last_progressed_at <= issue.first_seen + interval 1 minute
    """
    [(count, looked_into)] = whole.rows(untouched)
    assert count > 20
    assert looked_into == 0
    without = """
        select count(*) from raw.issues where id not in (
            select issue_id from raw.issue_activities where type = 'first_seen'
        )
    """
    assert whole.rows(without) == [(0,)]
    audited = replace(whole, budget=Budget(audit=50))
    for _ in range(ceil(count / 50) + 1):
        audited.load()
    assert audited.rows(untouched)[0][1] == count


def test_days_are_read_again_on_demand(whole):
    """Rows of a day that were lost or wrong are there again, with histories and hourly counts."""
    before = contents(whole)
    day = (whole.sandbox.clock.now - timedelta(days=20)).date()
    whole.change(
        f"delete from raw.issue_release_volume where date = '{day}'",
        f"delete from raw.project_error_volume where hour::date = '{day}'",
        "delete from raw.issue_activities where type like 'set_resolved%'",
    )
    assert contents(whole) != before
    summary = whole.load(again=(day, day))
    assert summary.is_backfilled
    after = contents(whole)
    for table in ("issue_release_volume", "project_error_volume"):
        assert after[table] == before[table]
    active = {
        issue_id
        for (issue_id,) in whole.rows(
            f"select distinct issue_id from raw.issue_release_volume where date = '{day}'"
        )
    }
    stored = set(after["issue_activities"])
    again = {row for row in before["issue_activities"] if row[1] in active}
    assert again
    assert again <= stored


@pytest.mark.parametrize(
    "days", [(date(2020, 1, 1), date(2020, 2, 1)), (date(2026, 10, 8), date(2026, 10, 1))]
)
def test_days_that_sentry_does_not_keep_are_refused_with_those_it_does(whole, days):
    with pytest.raises(OutOfRetention, match=r"choose days from 2026-08-\d\d to 2026-11-02"):
        whole.load(again=days)


def test_a_new_project_is_read_by_itself(sandboxed, tmp_path):
    project = sandboxed.organization.projects[1].id
    one = replace(sandboxed, folder=tmp_path, budget=Budget(audit=0))
    twin = replace(sandboxed, folder=tmp_path / "twin", budget=Budget(audit=0))
    twin.load()
    with sandboxed.sandbox.behaviours.during(hidden_projects=[project]):
        one.load()
        assert one.rows(f"select count(*) from raw.issues where project_id = '{project}'") == [(0,)]
    one.load()
    # Days of more pages than an hourly load may read wait for the daily pass.
    sandboxed.advance(hours=25)
    for each in (one, twin):
        each.load()
    found, expected = contents(one), contents(twin)
    for table in ("issues", "project_error_volume"):
        assert found[table] == expected[table]
    # The oldest day was no longer retained when its turn came.
    oldest = min(row[0] for row in expected["issue_release_volume"])
    days = [row for row in expected["issue_release_volume"] if row[0] > oldest]
    assert [row for row in found["issue_release_volume"] if row[0] > oldest] == days
    assert set(found["issue_activities"]) <= set(expected["issue_activities"])


def test_a_project_that_is_hidden_while_history_is_read_is_read_when_it_returns(
    sandboxed, tmp_path, monkeypatch
):
    parts = in_parts(sandboxed, tmp_path, monkeypatch)
    parts.load()
    project = sandboxed.organization.projects[0].id
    one = replace(parts, budget=Budget(audit=0))
    issues = f"select id, status from raw.issues where project_id = '{project}' order by 1"
    with sandboxed.sandbox.behaviours.during(hidden_projects=[project]):
        assert one.load().is_backfilled
    one.load()
    twin = replace(sandboxed, folder=tmp_path / "twin", budget=Budget(audit=0))
    twin.load()
    assert one.rows(issues) == twin.rows(issues)
    assert len(one.rows(issues)) > 20

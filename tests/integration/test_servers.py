"""Servers differ, change and fail: what a load makes of it, and what it says of it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from dlt_sources.sentry import audit, plan
from dlt_sources.sentry.context import Budget
from dlt_sources.sentry.errors import ServerTooOld, UnknownOrganization
from include.sandbox.generate import DEFAULT_NOW, generate
from include.sandbox.server import running
from include.sandbox.state import issue_state
from tests.integration.conftest import Connection
from tests.integration.test_loads import contents


@pytest.fixture
def sandboxed(tmp_path: pytest.TempPathFactory) -> Iterator[Connection]:
    organization = generate(seed=31, now=DEFAULT_NOW, issues=250)
    with running(organization) as sandbox:
        yield Connection(organization, sandbox, tmp_path / "one", budget=Budget(audit=0))


@pytest.fixture
def twin(sandboxed, tmp_path):
    """A second connection to the same organization, for what an undisturbed load finds."""
    return replace(sandboxed, folder=tmp_path / "twin")


def behaving(sandboxed, **behaviours):
    return sandboxed.sandbox.behaviours.during(**behaviours)


def coverage(connection, subject):
    rows = connection.rows(
        f"select name, status, reason from raw.load_coverage where subject = '{subject}'"
    )
    return {name: (status, reason) for name, status, reason in rows}


def test_a_server_without_global_views_is_asked_project_by_project(sandboxed, twin):
    with behaving(sandboxed, global_views=False):
        sandboxed.load()
        sandboxed.advance(hours=30)
        sandboxed.load()
    check = coverage(sandboxed, "check")["requests may span projects"]
    assert check == ("unsupported", None)
    twin.load()
    for table in ("issues", "releases", "release_projects", "issue_release_volume"):
        assert {row[0] for row in contents(sandboxed)[table]} >= {
            row[0] for row in contents(twin)[table]
        }
    statuses = "select id, status, assignee_key from raw.issues where tombstone is null"
    assert set(twin.rows(statuses)) <= set(sandboxed.rows(statuses))


def test_global_views_that_are_switched_off_between_loads_do_no_harm(sandboxed, twin):
    for each in (sandboxed, twin):
        each.load()
    sandboxed.advance(hours=5)
    with behaving(sandboxed, global_views=False):
        sandboxed.load()
    twin.load()
    assert contents(sandboxed) == contents(twin)


@pytest.mark.parametrize("mode", ["ignored", "refused"])
def test_without_reading_by_id_issues_are_searched_for_and_coverage_says_so(sandboxed, mode):
    with behaving(sandboxed, group_parameter=mode):
        sandboxed.load()
        before = dict(sandboxed.rows("select id, status from raw.issues"))
        sandboxed.advance(days=6)
        sandboxed.load()
        assert coverage(sandboxed, "check")["issues are read by their ids"] == (
            "unsupported",
            None,
        )
        assert coverage(sandboxed, "table")["issues"] == ("partial", "quiet_issues_unseen")
        # Nothing is inferred from absence in a search.
        assert sandboxed.rows("select count(*) from raw.issues where tombstone is not null") == [
            (0,)
        ]
        now = sandboxed.sandbox.clock.now
        noticed = 0
        for issue_id, status in sandboxed.rows("select id, status from raw.issues"):
            state = issue_state(sandboxed.organization.issues_by_id[issue_id], now)
            if state.existence == "present" and before.get(issue_id) != status:
                assert status == state.status
                noticed += issue_id in before
        assert noticed >= 5
    sandboxed.advance(hours=25)
    sandboxed.load()
    assert coverage(sandboxed, "check")["issues are read by their ids"] == ("complete", None)


def test_group_that_stops_working_between_two_checks_is_noticed_at_once(sandboxed):
    sandboxed.load()
    sandboxed.advance(hours=2)
    with behaving(sandboxed, group_parameter="ignored"):
        sandboxed.load()
    assert coverage(sandboxed, "check")["issues are read by their ids"][0] == "unsupported"


@pytest.mark.parametrize(
    ("endpoint", "sentence"),
    [("activities", "does not show what happened"), ("stats_v2", "does not count errors")],
)
def test_a_server_that_is_too_old_is_refused_with_the_reason(sandboxed, endpoint, sentence):
    with (
        behaving(sandboxed, missing_endpoints=[endpoint]),
        pytest.raises(ServerTooOld, match=sentence),
    ):
        sandboxed.load()
    assert not sandboxed.warehouse.exists() or sandboxed.rows("show tables") == []


def test_a_server_that_does_not_count_issues_is_loaded_all_the_same(sandboxed):
    with behaving(sandboxed, missing_endpoints=["issues-timeseries", "open-periods"]):
        sandboxed.load()
    assert coverage(sandboxed, "endpoint") == {"issues-timeseries": ("unsupported", "not_served")}
    assert sandboxed.rows("select count(*) > 200 from raw.issues") == [(True,)]


def test_a_renamed_organization_is_known_by_its_id(sandboxed):
    sandboxed.load()
    with behaving(sandboxed, organization_slug="another-name"):
        sandboxed.load()
        assert sandboxed.rows("select slug from raw.organizations") == [("another-name",)]
        stranger = replace(sandboxed, folder=sandboxed.folder / "new")
        with pytest.raises(UnknownOrganization):
            stranger.load()


def test_a_renamed_project_keeps_its_issues(sandboxed):
    sandboxed.load()
    project = sandboxed.organization.projects[0]
    before = sandboxed.rows("select count(*) from raw.issues")
    with behaving(sandboxed, project_slugs={project.id: "new-name"}):
        sandboxed.load()
    assert sandboxed.rows(f"select slug from raw.projects where id = '{project.id}'") == [
        ("new-name",)
    ]
    assert sandboxed.rows("select count(*) from raw.issues") == before


def test_a_deleted_project_takes_nothing_with_it_that_was_collected(sandboxed):
    sandboxed.load()
    project = sandboxed.organization.projects[0].id
    volumes = f"select sum(quantity) from raw.project_error_volume where project_id = '{project}'"
    before = sandboxed.rows(volumes)
    sandboxed.advance(hours=3)
    with behaving(sandboxed, deleted_projects=[project]):
        sandboxed.load()
        sandboxed.load()
    assert sandboxed.rows(volumes) == before
    assert coverage(sandboxed, "project")[project] == ("lost", "not_listed")
    assert sandboxed.rows(
        f"select distinct tombstone from raw.issues where project_id = '{project}'"
    ) == [("out_of_reach",)]


def test_an_organization_that_moved_is_found_in_its_new_region(sandboxed):
    sandboxed.load()
    sandboxed.advance(hours=3)
    with running(sandboxed.organization, token=sandboxed.sandbox.token) as region:
        region.clock.advance(timedelta(hours=3).total_seconds())
        with behaving(sandboxed, moved_to=region.base_url):
            sandboxed.load()
        assert region.requests.total > 10
    assert sandboxed.rows("select count(*) from raw.load_runs where is_complete") == [(2,)]


def test_issues_that_a_degraded_search_hid_are_found_by_counting(sandboxed, twin):
    """Sentry answers with errors only, and 200; the daily comparison shows what is missing."""
    for each in (sandboxed, twin):
        each.load()
    others = "select id from raw.issues where issue_category != 'error' order by 1"
    known = sandboxed.rows(others)
    now = sandboxed.sandbox.clock.now
    coming = next(
        issue.first_seen
        for issue in sandboxed.organization.issues
        if issue.category not in {"error", "feedback"} and issue.first_seen > now
    )
    with behaving(sandboxed, degraded_search=True):
        sandboxed.advance(seconds=(coming - now).total_seconds() + 48 * 3600)
        sandboxed.load()
        assert sandboxed.rows(others) == known
        assert coverage(sandboxed, "table")["issues"] == ("partial", "not_found_by_search")
    sandboxed.advance(hours=25)
    for each in (sandboxed, twin):
        each.load()
    assert sandboxed.rows(others) == twin.rows(others)
    assert len(sandboxed.rows(others)) > len(known)


def test_fields_of_another_type_lose_no_value_and_no_row(sandboxed, twin):
    for each in (sandboxed, twin):
        each.load()
    with behaving(sandboxed, drift=True):
        summary = sandboxed.load()
    found, expected = contents(sandboxed), contents(twin)
    assert found == expected
    assert sum("another type" in warning for warning in summary.warnings) >= 3


def test_words_nobody_knows_become_other_and_are_counted(sandboxed):
    with behaving(sandboxed, unknown_words=True):
        summary = sandboxed.load()
    assert sandboxed.rows("select count(*) > 0 from raw.issues where status = 'other'") == [(True,)]
    assert any("issues.status" in warning for warning in summary.warnings)
    assert coverage(sandboxed, "warning").keys() >= set(summary.warnings)


def test_queries_that_time_out_are_halved(sandboxed, twin):
    with behaving(sandboxed, query_timeout_hours=30):
        sandboxed.load()
    twin.load()
    assert contents(sandboxed) == contents(twin)


def test_searches_over_too_many_events_are_halved(sandboxed, twin):
    """By the span of events, which is what they cost: an issue may be in several parts."""
    requests = sandboxed.sandbox.requests
    with behaving(sandboxed, search_timeout_hours=24 * 12):
        sandboxed.load()
        halved = requests.by_route["issues"]
    requests.reset()
    twin.load()
    assert halved > 2 * requests.by_route["issues"]
    assert contents(sandboxed) == contents(twin)


def test_a_day_on_which_the_counts_never_agree_is_read_again_once(sandboxed, monkeypatch):
    counted = audit._their_counts
    one = replace(sandboxed, budget=Budget(audit=5))
    audited = "select histories_audited from raw.load_runs order by as_of desc limit 1"

    def with_one_more(load):
        new, resolved = counted(load)
        day = max(audit._our_resolved(load), key=lambda day: len(audit._our_resolved(load)[day]))
        resolved[disputed.setdefault("day", day)] += 1
        return new, resolved

    disputed = {}
    monkeypatch.setattr(audit, "_their_counts", with_one_more)
    monkeypatch.setattr(plan, "add_audit", lambda _load, _part: None)
    warning = "issues: Sentry counts other resolutions on a day"
    one.load()
    again = []
    for _ in range(4):
        one.advance(hours=25)
        summary = one.load()
        again.append(one.rows(audited)[0][0])
    assert again[0] > 0
    assert again[-2:] == [0, 0]
    assert warning in summary.warnings
    assert coverage(one, "warning")[warning] == ("warned", None)


def test_late_counts_are_read_until_they_are_final(sandboxed, twin):
    with behaving(sandboxed, late_counts=True):
        sandboxed.load()
        for _ in range(10):
            sandboxed.advance(hours=6)
            sandboxed.load()
        final = (sandboxed.sandbox.clock.now - timedelta(hours=49)).replace(
            minute=0, second=0, microsecond=0
        )
    twin.load()
    query = f"select * exclude (_dlt_load_id) from raw.project_error_volume where hour < '{final}'"
    assert set(sandboxed.rows(query)) >= set(twin.rows(query)) - set()
    days = (
        "select date, project_id, issue_id, release, count from raw.issue_release_volume"
        f" where date < '{final.date()}'"
    )
    assert set(twin.rows(days)) <= set(sandboxed.rows(days))


def test_what_a_load_can_do_without_may_fail_in_any_way(sandboxed):
    """The comparison with Sentry's counts and, after the first load, the daily volumes."""
    sandboxed.load()
    sandboxed.advance(hours=30)
    faults = [
        {"kind": "server_error", "routes": ["issues-timeseries"]},
        {"kind": "brownout", "routes": ["events"]},
    ]
    with behaving(sandboxed, faults=faults):
        summary = sandboxed.load()
    assert summary.changes
    assert coverage(sandboxed, "table")["issue_release_volume"] == ("lost", "endpoint_gone")
    sandboxed.load()
    assert coverage(sandboxed, "table")["issue_release_volume"] == ("complete", None)


def test_the_survivor_of_a_merge_is_read_in_the_load_that_sees_it(sandboxed):
    """Even one that nobody knew, where projects are asked one by one."""
    now = sandboxed.sandbox.clock.now
    with behaving(sandboxed, global_views=False):
        sandboxed.load()
        known = {issue_id for (issue_id,) in sandboxed.rows("select id from raw.issues")}
        merged_at, survivor = min(
            (action.at, str(action.data["survivor"]))
            for issue in sandboxed.organization.issues
            for action in issue.actions
            if action.kind == "merged_into" and action.at > now and issue.id in known
        )
        # As if the survivor had never been seen before.
        sandboxed.change(
            f"delete from raw.issues where id = '{survivor}'",
            f"delete from raw.issue_activities where issue_id = '{survivor}'",
        )
        sandboxed.advance(seconds=(merged_at - now).total_seconds() + 60)
        sandboxed.load()
    state = f"select count > 0, tombstone from raw.issues where id = '{survivor}'"
    assert sandboxed.rows(state) == [(True, None)]
    assert (survivor,) in sandboxed.rows("select merged_into from raw.issues")
    activities = f"select type from raw.issue_activities where issue_id = '{survivor}'"
    assert ("merge",) in sandboxed.rows(activities)


def test_a_project_that_was_hidden_for_a_while_costs_no_history_of_what_did_not_change(sandboxed):
    sandboxed.load()
    project = sandboxed.organization.projects[0].id
    [(issues,)] = sandboxed.rows(f"select count(*) from raw.issues where project_id = '{project}'")
    with behaving(sandboxed, hidden_projects=[project]):
        sandboxed.load()
    sandboxed.sandbox.requests.reset()
    summary = sandboxed.load()
    assert summary.changes == {"returned": issues}
    assert sandboxed.sandbox.requests.by_route["activities"] == 0

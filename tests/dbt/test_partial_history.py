"""Marts between two slices of a first load: right for what was read, silent about what was not."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta

import pytest

from dlt_sources.sentry import tables
from dlt_sources.sentry.tables import Row
from tests.dbt.small_organization import (
    AS_OF,
    ROWS,
    activity,
    at,
    coverage,
    errors,
    issue,
    load_run,
    release,
    row,
    volume,
)
from tests.dbt.warehouses import Built

READ_FROM = at(16)

# A is untouched, B cut off, C old but active at the moment. U is in the volumes only.
ISSUES = [
    issue("A", "error", at(17, 12)),
    issue("B", "fatal", at(20), status="resolved", assignee_type="user", assignee_key="k"),
    issue("C", "error", datetime(2026, 1, 10, tzinfo=UTC)),
]

ACTIVITIES = [
    activity("A", "first_seen", at(17, 12)),
    activity("B", "assigned", at(21), assignee_type="user", assignee_key="k"),
    activity("B", "set_resolved", at(30, 10)),
    activity("C", "set_regression", at(29, 12), version="v3"),
]

HISTORIES = [
    tables.IssueHistoryRow("B", AS_OF, 100, True, at(30, 10)),  # noqa: FBT003
    tables.IssueHistoryRow("C", AS_OF, 2, False, at(29, 12)),  # noqa: FBT003
]


def backfilling(table: str, covered_from: datetime) -> Row:
    """A table whose history is being read, and how far that has come."""
    return coverage(
        "table", table, "partial", AS_OF, reason="backfilling", covered_from=covered_from
    )


# Hourly counts are read at once, everything else two weeks back; the newest load was cut off.
FIRST_LOADS: dict[str, Sequence[Row]] = {
    "projects": [row(tables.ProjectRow, id="1", slug="shop")],
    "releases": [release(1, at(1)), release(2, at(17)), release(3, at(29))],
    "release_projects": [tables.ReleaseProjectRow(n, "1", 0) for n in (1, 2, 3)],
    "issues": ISSUES,
    "issue_activities": ACTIVITIES,
    "issue_histories": HISTORIES,
    "issue_release_volume": [volume("A", 17, "v2", 60), volume("U", 18, "v2", 5)],
    "project_error_volume": [
        errors("1", datetime(2026, 1, 1, 10, tzinfo=UTC) + timedelta(days=n), 4) for n in range(89)
    ],
    "load_runs": [
        load_run("r1", at(30, 6), is_first=True, is_backfilled=False),
        load_run("r2", AS_OF, is_complete=False, is_backfilled=False),
    ],
    "load_coverage": [
        coverage("project", "1", "complete", at(30, 6)),
        backfilling("issues", READ_FROM),
        backfilling("issue_activities", READ_FROM),
        backfilling("issue_histories", READ_FROM),
        backfilling("issue_release_volume", READ_FROM),
        coverage("table", "project_error_volume", "complete", at(30, 6)),
        coverage("warning", "issues.platform: an unknown word", "warned", AS_OF, actual=3),
    ],
}

# Project 1 was read long ago; project 4 was added today, and half of its issues are read.
ADDED_PROJECT: dict[str, Sequence[Row]] = {
    **ROWS,
    "projects": [*ROWS["projects"], row(tables.ProjectRow, id="4", slug="added")],
    "releases": [*ROWS["releases"], release(5, at(20))],
    "release_projects": [*ROWS["release_projects"], tables.ReleaseProjectRow(5, "4", 0)],
    "issues": [*ROWS["issues"], issue("N", "error", at(26), project_id="4")],
    "project_error_volume": [*ROWS["project_error_volume"], errors("4", at(20, 1), 7)],
    "load_runs": [
        load_run("r1", AS_OF - timedelta(days=1), is_first=True),
        load_run("r2", AS_OF, is_backfilled=False),
    ],
    "load_coverage": [
        coverage("project", "1", "complete", AS_OF - timedelta(days=1)),
        coverage("project", "4", "complete", AS_OF),
        backfilling("issues", at(25)),
        backfilling("issue_release_volume", AS_OF),
    ],
}


@pytest.fixture(scope="module")
def first(build: Callable[..., Built]) -> Built:
    return build(FIRST_LOADS, "--exclude-resource-type", "unit_test")


@pytest.fixture(scope="module")
def added(build: Callable[..., Built]) -> Built:
    return build(ADDED_PROJECT, "--exclude-resource-type", "unit_test")


def test_errors_are_there_at_once_and_new_issues_as_far_back_as_they_are_read(first: Built) -> None:
    days = first.values(
        "select error_date, accepted_count, new_issue_count, active_issue_count"
        " from marts.error_frequency order by error_date",
    )
    assert len(days) == 89
    assert {day[1] for day in days} == {4}
    known = {day[0]: day[2:] for day in days if day[2] is not None}
    assert min(known) == READ_FROM.date()
    assert known[date(2026, 3, 16)] == (0, None)
    assert known[date(2026, 3, 17)] == (1, 1)
    assert known[date(2026, 3, 18)] == (0, 1)
    weeks = first.values(
        "select week_start_date, accepted_count, new_issue_count, new_unhandled_issue_count"
        " from marts.project_error_rate order by week_start_date desc limit 4",
    )
    assert weeks[1:] == [
        (date(2026, 3, 23), 28, 0, 0),
        (date(2026, 3, 16), 28, 2, 0),
        (date(2026, 3, 9), 28, None, None),
    ]


def test_episodes_of_the_issues_read_are_there(first: Built) -> None:
    episodes = first.values(
        "select episode_id, censor_kind, open_hours, assignment_count, is_close_inferred"
        " from marts.resolution_time order by episode_id",
    )
    assert episodes == [
        ("A-1", "open", 312.0, 0, False),
        ("B-1", None, 250.0, 1, False),
        ("C-1", "open", 1908.0, 0, False),
    ]


def test_what_takes_all_issues_waits_for_them(first: Built) -> None:
    assert first.rows("select * from marts.assignment_pattern") == []
    assert first.rows("select * from marts.resolution_time_distribution") == []


def test_a_release_is_not_judged_before_all_issues_are_read(first: Built) -> None:
    releases = first.values(
        "select release_version, release_state, attribution_method, event_count, new_issue_count,"
        " regression_count, failing_issue_count, has_failed, stability_grade"
        " from marts.release_stability order by release_id",
    )
    assert releases == [
        ("v1", "mature", "window", None, None, None, None, None, None),
        ("v2", "mature", "volume", 65, 2, None, None, None, None),
        ("v3", "immature", "volume", 0, 0, None, None, None, None),
    ]
    assert first.values(
        "select release_count, judged_release_count, change_failure_rate, median_stability_score"
        " from marts.release_stability_summary",
    ) == [(3, 0, None, None)]


def test_a_load_that_was_cut_off_is_the_clock_of_its_slices(first: Built) -> None:
    for mart in ("resolution_time", "release_stability", "error_frequency", "project_error_rate"):
        assert first.values(f"select distinct as_of from marts.{mart}") == [
            (datetime(2026, 3, 30, 12),)  # noqa: DTZ001 - stored as UTC without a zone
        ]


def test_a_project_that_waits_for_its_history_does_not_hide_the_others(added: Built) -> None:
    assert added.values(
        "select has_failed from marts.release_stability where project_id = '1' order by all"
    ) == [(False,), (True,), (None,), (None,)]
    assert added.values(
        "select scope, episode_count from marts.resolution_time_distribution"
        " where scope in ('organization', 'project') order by scope"
    ) == [("organization", 7), ("project", 7)]
    assert added.values("select distinct project_id from marts.assignment_pattern order by 1") == [
        ("1",),
        ("3",),
    ]


def test_a_project_that_waits_for_its_history_is_not_judged(added: Built) -> None:
    (one,) = added.values(
        "select release_state, attribution_method, event_count, new_issue_count, has_failed"
        " from marts.release_stability where project_id = '4'",
    )
    assert one == ("mature", "window", None, None, None)
    days = added.values(
        "select error_date, accepted_count, new_issue_count, active_issue_count"
        " from marts.error_frequency where project_id = '4' order by error_date",
    )
    assert days[0] == (date(2026, 3, 20), 7, None, None)
    assert days[5:7] == [(date(2026, 3, 25), 0, 0, None), (date(2026, 3, 26), 0, 1, None)]

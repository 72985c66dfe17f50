"""A project that is deleted, hidden or closed to us keeps its past and gets no made-up present.

Project 1 was lost by the load of the clock's time and read last a day before; project 3 is listed,
but may not be read any more. Project 5 has a slow request and a failing cron.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta

import pytest

from dlt_sources.sentry import tables
from dlt_sources.sentry.tables import Row
from tests.dbt.small_organization import (
    ACTIVITIES,
    AS_OF,
    ROWS,
    coverage,
    errors,
    issue,
    load_run,
    release,
    row,
)
from tests.dbt.small_organization import at as at_utc
from tests.dbt.warehouses import Built

LAST_SEEN = AS_OF - timedelta(days=1)

# A, with the first six activities, was not tombstoned yet when the load was cut off; B was.
LOST: dict[str, Sequence[Row]] = {
    **ROWS,
    "projects": [
        row(tables.ProjectRow, id="1", slug="shop", lost_at=AS_OF),
        row(tables.ProjectRow, id="3", slug="closed", has_access=False),
        row(tables.ProjectRow, id="5", slug="slow"),
    ],
    "releases": [*ROWS["releases"], release(5, at_utc(10))],
    "release_projects": [*ROWS["release_projects"], tables.ReleaseProjectRow(5, "5", 0)],
    "issues": [
        issue("A", "error", at_utc(10, 2), assignee_type="user", assignee_key="k"),
        issue("B", "fatal", at_utc(10, 13), tombstone="out_of_reach"),
        issue("S", "info", at_utc(11), project_id="5", issue_category="performance"),
        issue("T", "error", at_utc(12), project_id="5", issue_category="cron"),
    ],
    "issue_activities": ACTIVITIES[:6],
    "project_error_volume": [
        *(errors("1", at_utc(9, 10) + timedelta(days=n), 4) for n in range(21)),
        errors("3", at_utc(28, 11), 1),
        errors("5", at_utc(9), 1),
    ],
    "load_runs": [
        load_run("r1", LAST_SEEN, is_first=True),
        load_run("r2", AS_OF, is_complete=False),
    ],
    "load_coverage": [
        coverage("project", "1", "lost", AS_OF, reason="not_listed"),
        coverage("project", "3", "lost", AS_OF, reason="no_access"),
        coverage("project", "5", "complete", LAST_SEEN),
        coverage("endpoint", "issues-timeseries", "unsupported", LAST_SEEN, reason="not_served"),
    ],
}


@pytest.fixture(scope="module")
def marts(build: Callable[..., Built]) -> Built:
    return build(LOST, "--exclude-resource-type", "unit_test")


def test_no_day_is_made_up_after_the_last_load_that_saw_the_project(marts: Built) -> None:
    days = marts.values(
        "select project_id, count(*), max(error_date), bool_or(is_complete_day) filter"
        " (where error_date = date '2026-03-29'), max(as_of) from marts.error_frequency"
        " group by project_id order by project_id",
    )
    seen, now = LAST_SEEN.replace(tzinfo=None), AS_OF.replace(tzinfo=None)
    assert days == [
        ("1", 21, date(2026, 3, 29), False, seen),
        ("3", 2, date(2026, 3, 29), False, seen),
        ("5", 22, date(2026, 3, 30), True, now),
    ]


def test_the_last_week_is_measured_by_the_hours_seen(marts: Built) -> None:
    weeks = marts.values(
        "select week_start_date, accepted_count, observed_hours, is_complete_week"
        " from marts.project_error_rate where project_id = '1' order by week_start_date desc",
    )
    assert weeks[0] == (date(2026, 3, 23), 28, 156.0, False)


def test_issues_are_open_until_their_project_was_seen_last(marts: Built) -> None:
    weeks = marts.values(
        "select week_start_date, open_count, open_hours, assigned_open_count, is_complete_week"
        " from marts.assignment_pattern where project_id = '1' order by week_start_date desc",
    )
    assert weeks[0] == (date(2026, 3, 23), 2, 312.0, 1, False)
    episodes = marts.values(
        "select episode_id, censor_kind, is_close_inferred, closed_at from marts.resolution_time"
        " where project_id = '1' order by episode_id",
    )
    seen = LAST_SEEN.replace(tzinfo=None)
    assert episodes == [
        ("A-1", None, False, datetime(2026, 3, 11, 2)),  # noqa: DTZ001 - UTC without a zone
        ("A-2", "out_of_reach", True, seen),
        ("B-1", "out_of_reach", True, seen),
    ]


def test_a_release_does_not_mature_unseen(marts: Built) -> None:
    assert marts.values(
        "select release_state, observed_hours, was_hotfixed, has_failed, stability_grade"
        " from marts.release_stability where release_version = 'v4'",
    ) == [("immature", 12.0, None, None, None)]
    assert marts.values(
        "select project_slug, release_count, mature_release_count"
        " from marts.release_stability_summary where project_id = '1'",
    ) == [("shop", 4, 3)]


def test_issues_of_other_categories_are_new_in_a_release_but_do_not_make_it_fail(
    marts: Built,
) -> None:
    assert marts.values(
        "select attribution_method, new_issue_count, early_new_severe_issue_count,"
        " failing_issue_count, has_failed from marts.release_stability where project_id = '5'",
    ) == [("volume", 2, 1, 0, False)]
    assert marts.values(
        "select sum(accepted_count), sum(new_issue_count), sum(active_issue_count)"
        " from marts.error_frequency where project_id = '5'",
    ) == [(1, 2, 0)]
    assert marts.values(
        "select issue_category from marts.resolution_time where project_id = '5' order by all",
    ) == [("cron",), ("performance",)]

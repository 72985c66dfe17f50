"""Figures of the marts, computed by hand over the small organization."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest

from tests.dbt.small_organization import ROWS
from tests.dbt.warehouses import Built


@pytest.fixture(scope="module")
def marts(build: Callable[..., Built]) -> Built:
    return build(ROWS, "--exclude-resource-type", "unit_test")


def only(marts: Built, columns: str, mart: str, where: str) -> dict[str, Any]:
    """Return the one row that a condition selects."""
    (row,) = marts.rows(f"select {columns} from marts.{mart} where {where}")
    return row


def test_episodes_follow_status_merge_archive_and_age(marts: Built) -> None:
    episodes = marts.rows(
        "select episode_id, opened_by, censor_kind, open_hours from marts.resolution_time"
        " order by episode_id"
    )
    assert [tuple(episode.values()) for episode in episodes] == [
        ("A-1", "first_seen", None, 24.0),
        ("A-2", "regression", "open", 442.0),
        ("B-1", "first_seen", "archived", 24.0),
        ("B-2", "archive_expired", "open", 252.0),
        ("C-1", "first_seen", None, 48.0),
        ("D-1", "first_seen", "merged", 48.0),
        ("F-1", "first_seen", "by_age", 408.0),
    ]


def test_an_episode_knows_its_assignments(marts: Built) -> None:
    columns = "assignment_count, assignee_count, hours_to_first_assignment, is_assigned_at_close"
    first = only(marts, columns, "resolution_time", "episode_id = 'A-1'")
    again = only(marts, columns, "resolution_time", "episode_id = 'A-2'")
    never = only(marts, columns, "resolution_time", "episode_id = 'C-1'")
    assert tuple(first.values()) == (3, 2, 3.0, True)
    assert tuple(again.values()) == (1, 1, 0.0, False)
    assert tuple(never.values()) == (0, 0, None, False)


def test_the_naive_median_hides_what_kaplan_meier_shows(marts: Built) -> None:
    row = only(
        marts,
        "episode_count, resolved_count, open_count, naive_median_hours, km_median_hours",
        "resolution_time_distribution",
        "scope = 'organization' and cohort_month = date '2026-03-01'",
    )
    # S(24) = 6/7 and S(48) = 6/7 * 4/5 = 0.69: of the seven, half are never seen resolved.
    assert tuple(row.values()) == (7, 2, 2, 36.0, None)
    curve = marts.rows(
        "select hours, at_risk_count, survival from staging.int_survival_curves"
        " where measure = 'resolution' and project_id is null order by hours"
    )
    assert [(step["hours"], step["at_risk_count"]) for step in curve] == [(24.0, 7), (48.0, 5)]
    assert [step["survival"] for step in curve] == pytest.approx([6 / 7, 24 / 35])


def test_a_release_is_judged_by_its_first_72_hours(marts: Built) -> None:
    rows = marts.rows(
        "select release_version, release_state, attribution_method, new_issue_count,"
        " regression_count, event_count, has_failed, was_hotfixed, is_hotfix"
        " from marts.release_stability order by release_id"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("v1", "mature", "mixed", 2, 0, None, None, False, False),
        ("v2", "mature", "volume", 1, 0, 60, True, True, False),
        ("v3", "mature", "volume", 1, 1, 15, False, False, True),
        ("v4", "immature", "volume", 0, 0, 0, None, False, False),
    ]


def test_the_score_is_the_share_of_attainable_points(marts: Built) -> None:
    rows = marts.rows(
        "select stability_score, stability_grade from marts.release_stability order by release_id"
    )
    v2 = 100 * (40 * 10 / 11 + 25 + 0) / 80
    v3 = 100 * (40 * 10 / 11 + 25 * 5 / 6 + 15) / 80
    assert [row["stability_score"] for row in rows[1:3]] == pytest.approx([v2, v3])
    assert [row["stability_grade"] for row in rows[1:]] == ["C", "A", None]


def test_the_change_failure_rate_has_its_wilson_interval(marts: Built) -> None:
    columns = (
        "mature_release_count, judged_release_count, change_failure_rate,"
        " change_failure_rate_low, change_failure_rate_high"
    )
    shop = only(marts, columns, "release_stability_summary", "project_id = '1'")
    quiet = only(marts, columns, "release_stability_summary", "project_id = '2'")
    z2 = 1.959963984540054**2
    centre, half = 0.5, (z2 * (0.25 / 2 + z2 / 16)) ** 0.5 / (1 + z2 / 2)
    assert tuple(shop.values()) == pytest.approx((3, 2, 0.5, centre - half, centre + half))
    assert tuple(quiet.values()) == (0, 0, None, None, None)


def test_a_day_above_median_and_mad_is_a_spike(marts: Built) -> None:
    row = only(
        marts,
        "accepted_count, median_28d, mad_28d, spike_threshold, is_spike, week_over_week_ratio",
        "error_frequency",
        "project_id = '1' and error_date = date '2026-03-29'",
    )
    assert tuple(row.values()) == (15, 4.0, 0.0, 14.0, True, 39 / 28)


def test_a_day_without_errors_is_zero_and_the_last_day_incomplete(marts: Built) -> None:
    days = marts.rows(
        "select error_date, accepted_count, is_complete_day from marts.error_frequency"
        " where project_id = '1' order by error_date"
    )
    assert len(days) == 30
    assert tuple(days[14].values()) == (date(2026, 3, 15), 0, True)
    assert tuple(days[29].values()) == (date(2026, 3, 30), 3, False)


def test_equal_days_have_no_trend(marts: Built) -> None:
    row = only(
        marts,
        "theil_sen_slope, mann_kendall_p",
        "error_frequency",
        "project_id = '1' and error_date = date '2026-03-28'",
    )
    assert tuple(row.values()) == pytest.approx((0.0, 1.0), abs=2e-7)


def test_a_project_that_sentry_no_longer_lists_keeps_its_errors(marts: Built) -> None:
    row = only(
        marts,
        "project_slug, accepted_count, organization_share",
        "error_frequency",
        "project_id = '3'",
    )
    assert tuple(row.values()) == (None, 1, 0.25)


def test_a_partial_week_is_measured_by_its_hours(marts: Built) -> None:
    weeks = marts.rows(
        "select week_start_date, accepted_count, observed_hours, errors_per_hour,"
        " change_to_previous_week from marts.project_error_rate"
        " where project_id = '1' order by week_start_date"
    )
    assert tuple(weeks[0].values()) == (date(2026, 2, 23), 4, 24.0, 4 / 24, None)
    assert weeks[4]["observed_hours"] == 168.0
    assert weeks[4]["change_to_previous_week"] == pytest.approx(39 / 28 - 1)
    assert tuple(weeks[5].values())[:3] == (date(2026, 3, 30), 3, 12.0)


def test_a_week_knows_its_handoffs_load_and_concentration(marts: Built) -> None:
    row = only(
        marts,
        "opened_count, assignment_count, handoff_count, ping_pong_count, resolved_count,"
        " resolved_unassigned_count, open_count, assignee_hhi, open_hours, unassigned_hours",
        "assignment_pattern",
        "project_id = '1' and week_start_date = date '2026-03-09'",
    )
    # A was open for 24 and 94 hours and free for the first 3; B 24 and F 168, both free.
    assert tuple(row.values()) == (3, 3, 2, 1, 1, 0, 2, 1.0, 310.0, 195.0)


def test_the_first_assignment_of_a_week_is_censored_for_the_never_assigned(marts: Built) -> None:
    row = only(
        marts,
        "naive_median_hours_to_assignment, km_median_hours_to_assignment",
        "assignment_pattern",
        "project_id = '1' and week_start_date = date '2026-03-09'",
    )
    # A-2 at once, A-1 after 3 hours, B-1 never: S(0) = 2/3, S(3) = 1/3.
    assert tuple(row.values()) == (1.5, 3.0)


def test_marts_are_as_of_the_latest_load(marts: Built) -> None:
    for mart in ("resolution_time", "release_stability", "error_frequency", "assignment_pattern"):
        assert marts.rows(f"select distinct as_of from marts.{mart}") == [
            {"as_of": datetime(2026, 3, 30, 12)}  # noqa: DTZ001 - stored as UTC without a zone
        ]

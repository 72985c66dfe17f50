"""Organizations at the edge: a single issue, no releases, a session in another time zone, skew."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from dlt_sources.sentry import tables
from dlt_sources.sentry.tables import TABLES, Row
from tests.dbt.compiled import Models, compiled
from tests.dbt.small_organization import AS_OF, ROWS, activity, at, issue, load_run, row

ONE_ISSUE: dict[str, Sequence[Row]] = {
    "projects": [row(tables.ProjectRow, id="1", slug="only")],
    "issues": [issue("A", "error", at(2))],
    "load_runs": [load_run("r1", AS_OF)],
}


@pytest.fixture(scope="module")
def models() -> Models:
    return compiled()


def raw(rows: dict[str, Sequence[Row]]) -> dict[str, object]:
    return {name: table.to_arrow(rows.get(name, ())) for name, table in TABLES.items()}


def test_an_organization_of_one_issue_that_was_never_released(models: Models) -> None:
    marts = models.build(raw(ONE_ISSUE))
    (project,) = marts.rows("select * from marts.dim_project")
    assert (project["issue_count"], project["open_issue_count"]) == (1, 1)
    assert project["release_volumes_from_date"] is None
    (one,) = marts.rows("select * from marts.dim_issue")
    assert (one["issue_state"], one["first_release_id"]) == ("open", None)
    (episode,) = marts.rows("select * from marts.resolution_time")
    assert episode["is_open"]
    assert episode["open_hours"] == 28 * 24 + 12
    (summary,) = marts.rows("select * from marts.release_stability_summary")
    assert (summary["release_count"], summary["change_failure_rate"]) == (0, None)
    distribution = marts.rows("select * from marts.resolution_time_distribution")
    assert len(distribution) == 6
    assert {one["km_median_hours"] for one in distribution} == {None}
    assert len(marts.rows("select * from marts.assignment_pattern")) == 5
    for mart in ("process_findings", "release_stability", "error_frequency", "assignment_load"):
        assert marts.rows(f"select * from marts.{mart}") == []
    assert len(marts.rows("select * from marts.data_freshness")) == 11


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/St_Johns", "Pacific/Auckland"])
def test_the_time_zone_of_the_session_changes_nothing(models: Models, zone: str) -> None:
    here, there = models.build(raw(ROWS)), models.build(raw(ROWS), zone)
    for mart in models.marts:
        rows = [sorted(map(repr, one.rows(f"from marts.{mart}"))) for one in (here, there)]
        assert rows[0] == rows[1], mart


def test_a_clock_that_runs_ahead_of_the_load_is_not_believed_yet(models: Models) -> None:
    """Sentry's own clocks differ: what is stamped after the load began waits for the next one."""
    skewed = {
        **ONE_ISSUE,
        "issues": [issue("A", "error", at(2)), issue("B", "error", AS_OF + timedelta(seconds=1))],
        "issue_activities": [activity("A", "set_resolved", AS_OF + timedelta(seconds=2))],
    }
    marts = models.build(raw(skewed))
    (episode,) = marts.rows("select episode_id, is_open from marts.resolution_time")
    assert episode == {"episode_id": "A-1", "is_open": True}
    later = {**skewed, "load_runs": [load_run("r2", AS_OF + timedelta(hours=1))]}
    assert len(models.build(raw(later)).rows("select * from marts.resolution_time")) == 3

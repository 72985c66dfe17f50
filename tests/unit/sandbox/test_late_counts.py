"""Counts that arrive late, and rows that go missing."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

STATS = {"project": -1, "field": "sum(quantity)", "category": "error"}


def hours(api, start, end):
    body = api.rows(
        "stats_v2/",
        groupBy="outcome",
        outcome="accepted",
        interval="1h",
        start=start.isoformat(),
        end=end.isoformat(),
        **STATS,
    )
    return body["groups"][0]["series"]["sum(quantity)"]


def daily_count(api, start):
    """Error events of the day that begins at a moment."""
    span = {"start": start.isoformat(), "end": (start + timedelta(days=1)).isoformat()}
    body = api.rows("events/", dataset="errors", project=-1, field="count()", **span)
    return body["data"][0]["count()"]


def test_recent_hours_grow_for_two_days_and_then_are_complete(organization, at_time):
    start = organization.now - timedelta(hours=20)
    end = organization.now - timedelta(hours=1, seconds=1)
    with at_time(organization.now) as api:
        full = hours(api, start, end)
        api.sandbox.behaviours.set(late_counts=True)
        seen = [hours(api, start, end)]
        for _ in range(9):
            api.sandbox.clock.advance(6 * 3600)
            seen.append(hours(api, start, end))

    for earlier, later in pairwise(seen):
        assert all(one <= two for one, two in zip(earlier, later, strict=True))
    assert sum(full) * 0.3 < sum(seen[0]) < sum(full) * 0.8
    assert sum(seen[0]) < sum(seen[2]) < sum(seen[5])
    assert seen[-1] == full


def test_hours_older_than_two_days_are_complete(api):
    start = api.organization.now - timedelta(days=6)
    end = api.organization.now - timedelta(hours=48, seconds=1)
    with api.sandbox.behaviours.during(late_counts=True):
        late = hours(api, start, end)

    assert late == hours(api, start, end)


def test_events_of_a_day_arrive_within_hours(organization, at_time):
    day = organization.now.replace(hour=0)
    with at_time(day + timedelta(days=1)) as api:
        full = daily_count(api, day)
        yesterday = daily_count(api, day - timedelta(days=1))
        api.sandbox.behaviours.set(late_counts=True)
        seen = []
        for _ in range(8):
            seen.append(daily_count(api, day))
            assert daily_count(api, day - timedelta(days=1)) == yesterday
            api.sandbox.clock.advance(3600)

    assert seen == sorted(seen)
    assert seen[0] < full
    assert seen[-1] == full


@pytest.mark.parametrize("group", ["project", "outcome"])
def test_rows_go_missing_only_where_several_projects_are_grouped(api, group):
    groups = ["outcome", "project"] if group == "project" else ["outcome"]
    params = STATS | {"groupBy": groups, "statsPeriod": "30d", "interval": "1d"}
    whole = api.rows("stats_v2/", **params)["groups"]
    with api.sandbox.behaviours.during(missing_rows=True):
        left = api.rows("stats_v2/", **params)["groups"]
        one = api.rows("stats_v2/", **params | {"project": api.organization.projects[0].id})

    if group == "outcome":
        assert left == whole
        return
    assert 0.6 * len(whole) < len(left) < len(whole)
    assert [row for row in whole if row in left] == left
    sizes = [row["totals"]["sum(quantity)"] for row in whole if row not in left]
    assert max(sizes) <= min(row["totals"]["sum(quantity)"] for row in left)
    assert len(one["groups"]) > 1

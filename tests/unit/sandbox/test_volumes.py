"""stats_v2, events, issues-timeseries and open-periods against the facts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from include.sandbox.state import issue_state
from include.sandbox.tallies import release_counts, seen, volume

FIELD = "sum(quantity)"
STATS = {"project": -1, "field": FIELD, "groupBy": "outcome", "category": "error"}
EVENTS = {"dataset": "errors", "project": -1}


def by_outcome(body):
    return {group["by"]["outcome"]: group for group in body["groups"]}


def test_accepted_is_the_sum_of_all_issues_events_merged_and_deleted_included(api):
    now = api.organization.now
    for project in api.organization.projects:
        total = sum(
            int(issue.occurrences.counts[issue.occurrences.times <= now.timestamp()].sum())
            for issue in api.organization.issues
            if issue.project_id == project.id and issue.category == "error"
        )
        assert volume(api.organization, [project.id], "accepted", now).sum() == total


def test_series_are_the_hours_of_the_facts(api):
    start = api.organization.now.replace(hour=0) - timedelta(days=6)
    end = start + timedelta(days=2)
    body = api.rows(
        "stats_v2/", interval="1h", start=start.isoformat(), end=end.isoformat(), **STATS
    )
    first = int((start - api.organization.start).total_seconds() // 3600)
    ids = [project.id for project in api.organization.projects]

    assert len(body["intervals"]) == 49
    for outcome, group in by_outcome(body).items():
        hours = volume(api.organization, ids, outcome, api.organization.now)
        assert group["series"][FIELD] == hours[first : first + 49].tolist()
        assert group["totals"][FIELD] == sum(group["series"][FIELD])
    assert {"accepted", "filtered"} <= by_outcome(body).keys()


def test_a_period_is_widened_to_whole_buckets_as_recorded(api):
    hours = api.rows("stats_v2/", statsPeriod="1d", interval="1h", **STATS)
    days = api.rows("stats_v2/", statsPeriod="7d", interval="1d", **STATS)

    assert (hours["start"], hours["end"]) == ("2026-11-01T09:00:00Z", "2026-11-02T09:00:00Z")
    assert len(hours["intervals"]) == 24
    assert (days["start"], days["end"]) == ("2026-10-26T00:00:00Z", "2026-11-03T00:00:00Z")
    assert len(days["intervals"]) == 8


def test_within_an_hour_the_running_bucket_is_included(at_time, organization):
    with at_time(organization.now + timedelta(minutes=46)) as api:
        body = api.rows("stats_v2/", statsPeriod="1d", interval="1h", **STATS)

    assert (body["start"], body["end"]) == ("2026-11-01T09:00:00Z", "2026-11-02T10:00:00Z")
    assert len(body["intervals"]) == 25


def test_recent_buckets_grow_and_old_ones_stay(at_time, organization):
    params = STATS | {"start": "2026-11-02T08:00:00Z", "end": "2026-11-02T10:59:59Z"}
    series = []
    with at_time(organization.now + timedelta(minutes=5)) as api:
        for _ in range(12):
            body = by_outcome(api.rows("stats_v2/", interval="1h", **params))
            series.append(body["accepted"]["series"][FIELD])
            api.sandbox.clock.advance(600)

    assert len({hours[0] for hours in series}) == 1
    assert [sum(hours) for hours in series] == sorted(sum(hours) for hours in series)
    assert sum(series[0]) < sum(series[-1])


def test_grouping_by_project_has_totals_only(api):
    body = api.rows(
        "stats_v2/", statsPeriod="30d", interval="1d", **STATS | {"groupBy": ["project", "outcome"]}
    )

    assert "intervals" not in body
    assert all("series" not in group for group in body["groups"])
    assert {type(group["by"]["project"]) for group in body["groups"]} == {int}
    quiet = next(p.id for p in api.organization.projects if p.slug == "design-system")
    assert int(quiet) not in {group["by"]["project"] for group in body["groups"]}


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"field": []}, "field"),
        ({"groupBy": []}, "groupBy"),
        ({"category": []}, "category"),
        ({"groupBy": "color"}, "groupBy"),
        ({"interval": "7m"}, "interval"),
        ({"interval": "x"}, "interval"),
        ({"statsPeriod": "42d", "interval": "1h"}, "too many results"),
    ],
)
def test_stats_refuses(api, change, part):
    response = api.get("stats_v2/", **STATS | change)

    assert response.status_code == 400
    assert part in response.json()["detail"]


def test_a_thousand_points_are_allowed(api):
    body = api.rows("stats_v2/", statsPeriod="41d", interval="1h", **STATS)

    assert len(body["intervals"]) == 984


def test_events_group_by_release_project_and_issue(api):
    now = api.organization.now
    start = now - timedelta(days=3)
    expected = release_counts(api.organization, now, start, now)
    params = EVENTS | {"field": ["release", "project.id", "issue.id", "count()"]}
    rows = [
        row
        for page in api.pages("events/", statsPeriod="3d", sort="-count()", per_page=50, **params)
        for row in page["data"]
    ]

    assert {(str(r["issue.id"]), r["release"]): r["count()"] for r in rows} == expected
    assert len(rows) == len(expected)
    counts = [row["count()"] for row in rows]
    assert counts == sorted(counts, reverse=True)
    for row in rows:
        issue = api.organization.issues_by_id[str(row["issue.id"])]
        assert row["project.id"] == int(issue.project_id)


def test_events_of_performance_issues_are_no_errors(api):
    mine = {i.id: i for i in api.organization.issues if i.category == "performance"}
    found = {row["id"] for row in api.search()} & mine.keys()
    rows = [
        row
        for page in api.pages("events/", field=["issue.id", "count()"], **EVENTS)
        for row in page["data"]
    ]
    project = {mine[one].project_id for one in found}

    assert found
    assert not found & {str(row["issue.id"]) for row in rows}
    ever = sum(
        int(
            issue.occurrences.counts[
                issue.occurrences.times <= api.organization.now.timestamp()
            ].sum()
        )
        for issue in api.organization.issues
        if issue.project_id in project and issue.category == "error"
    )
    counted = volume(api.organization, project, "accepted", api.organization.now).sum()
    assert counted == ever


def test_the_timeseries_counts_performance_as_issues_and_feedback_apart(api):
    def new(category):
        body = api.rows(
            "issues-timeseries/",
            project=-1,
            yAxis="count(new_issues)",
            category=category,
            interval="1d",
            statsPeriod="90d",
        )
        return sum(value["value"] for value in body["timeSeries"][0]["values"])

    now = api.organization.now
    start = (now - timedelta(days=90)).replace(hour=0)
    ever = seen(api.organization, now, api.organization.start, api.organization.horizon)
    born = [
        issue.category
        for issue in api.organization.issues
        if issue.id in ever
        and ever[issue.id].first >= start.timestamp()
        and issue_state(issue, now).existence == "present"
    ]
    assert new("feedback") == born.count("feedback")
    assert new("issue") == born.count("error") + born.count("performance")
    assert born.count("performance") > 0


def test_events_of_fewer_fields_are_the_same_events(api):
    def total(*fields):
        body = api.rows("events/", statsPeriod="3d", field=[*fields, "count()"], **EVENTS)
        return sum(row["count()"] for row in body["data"])

    assert total() == total("release") == total("project.id")
    meta = api.rows("events/", field=["release", "count()"], **EVENTS)["meta"]
    assert meta["fields"] == {"release": "string", "count()": "integer"}


def test_events_sort_by_several_keys(api):
    rows = api.rows(
        "events/",
        field=["release", "project.id", "count()"],
        sort=["project.id", "-release"],
        **EVENTS,
    )["data"]
    keys = [(row["project.id"], row["release"]) for row in rows]

    assert keys == sorted(sorted(keys, key=lambda k: k[1], reverse=True), key=lambda k: k[0])


@pytest.mark.parametrize(
    "change",
    [
        {"dataset": []},
        {"field": []},
        {"field": "count_unique(user)"},
        {"field": [f"tag{number}" for number in range(21)]},
        {"sort": "-release"},
        {"per_page": 101},
        {"cursor": "x"},
        {"query": "title:x"},
        {"start": "2025-01-01T00:00:00Z", "end": "2025-01-02T00:00:00Z"},
        {"environment": "production"},
    ],
)
def test_events_refuses(api, change):
    assert api.get("events/", **EVENTS | {"field": "count()"} | change).status_code == 400


def test_offset_cursors_count_rows(api):
    response = api.get("events/", field=["issue.id", "count()"], per_page=10, **EVENTS)

    assert response.links["previous"]["cursor"] == "0:0:1"
    assert response.links["next"]["cursor"] == "0:10:0"


def test_events_of_a_merged_issue_are_the_survivors_and_of_a_deleted_one_nobodys(
    organization, at_time
):
    def gone(kind):
        return min(
            (issue.actions[-1].at, issue.id)
            for issue in organization.issues
            if issue.actions and issue.actions[-1].kind == kind
            if issue.actions[-1].at > organization.now
        )

    for kind in ("merged_into", "deleted"):
        at, issue_id = gone(kind)
        with at_time(at) as api:
            rows = [
                row
                for page in api.pages("events/", field=["issue.id", "count()"], **EVENTS)
                for row in page["data"]
            ]
        assert int(issue_id) not in {row["issue.id"] for row in rows}


def test_timeseries_count_new_and_presently_resolved_issues(api):
    now = api.organization.now
    body = api.rows(
        "issues-timeseries/",
        project=-1,
        yAxis=["count(new_issues)", "count(resolved_issues)"],
        interval="1d",
        statsPeriod="30d",
    )
    start = datetime(2026, 10, 3, tzinfo=UTC)
    states = [
        (issue, issue_state(issue, now))
        for issue in api.organization.issues
        if issue.first_seen <= now and issue.category != "feedback"
    ]
    resolved = [s for _, s in states if s.existence == "present" and s.resolved_at]
    series = {one["yAxis"]: one["values"] for one in body["timeSeries"]}

    assert sum(value["value"] for value in series["count(resolved_issues)"]) == sum(
        state.resolved_at >= start for state in resolved
    )
    assert series["count(new_issues)"][0]["timestamp"] == int(start.timestamp() * 1000)
    assert [v["incomplete"] for v in series["count(new_issues)"]] == [False] * 30 + [True]
    assert api.get("issues-timeseries/").status_code == 400
    wide = {"yAxis": "count(new_issues)", "interval": "1h", "statsPeriod": "30d"}
    assert api.get("issues-timeseries/", **wide).status_code == 400


def resolved_once(organization):
    """An old issue whose first resolution held until an event reopened it."""
    for issue in organization.issues:
        kinds = [a.kind for a in issue.actions if a.at <= organization.now]
        turns = [kind for kind in kinds if kind in {"set_resolved", "set_regression"}]
        only = {k for k in kinds if k.startswith(("set_res", "set_reg", "set_un", "age"))}
        old = issue.first_seen < organization.now - timedelta(days=100)
        if turns[:2] == ["set_resolved", "set_regression"] and old and only == set(turns):
            return issue
    raise AssertionError("no such issue")


def test_open_periods_hide_those_that_began_before_the_last_90_days(api):
    issue = resolved_once(api.organization)
    default = api.rows("open-periods/", groupId=issue.id)
    wide = api.rows("open-periods/", groupId=issue.id, statsPeriod="1000d")

    assert len(wide) > len(default)
    assert wide == sorted(wide, key=lambda period: period["start"], reverse=True)
    assert wide[-1]["end"] is not None
    assert not wide[-1]["isOpen"]
    assert [step["type"] for step in wide[-1]["activities"]] == ["opened", "closed"]
    assert api.get("open-periods/").status_code == 400
    assert api.get("open-periods/", groupId="1").status_code == 404


def test_the_order_of_parameters_does_not_mix_up_answers(api):
    root, mark = f"{api.organization.id}/events/", "dataset=errors&cursor=0:0:0"
    by_release = api.client.get(f"{root}?{mark}&field=release&field=count()").json()["data"]
    by_project = api.client.get(f"{root}?{mark}&field=project.id&field=count()").json()["data"]

    assert {frozenset(row) for row in by_release} == {frozenset({"release", "count()"})}
    assert {frozenset(row) for row in by_project} == {frozenset({"project.id", "count()"})}

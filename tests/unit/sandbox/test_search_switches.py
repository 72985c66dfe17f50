"""The issue search in its worse moods, and queries that are too much for it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from include.sandbox.errors import QUERY_TIMEOUT

STATS = {"field": "sum(quantity)", "groupBy": "outcome", "category": "error"}
EVENTS = {"dataset": "errors", "field": "count()"}


def test_the_empty_page_can_be_switched_off(api):
    with api.sandbox.behaviours.during(empty_page=False):
        pages = list(api.pages("issues/", project=-1, query="", limit=20, groupStatsPeriod=""))

    assert all(pages)
    assert {len(page) for page in pages[:-1]} == {20}


@pytest.mark.parametrize("limit", [1, 7, 20])
def test_short_pages_are_shorter_than_asked_and_lose_nothing(api, limit):
    whole = [row["id"] for row in api.search()]
    with api.sandbox.behaviours.during(short_pages=True):
        pages = list(api.pages("issues/", project=-1, query="", limit=limit, groupStatsPeriod=""))

    assert [row["id"] for page in pages for row in page] == whole
    assert [] in pages[:-1]
    sizes = {len(page) for page in pages[:-1]} - {0}
    assert sizes == ({limit} if limit == 1 else {limit * 2 // 3, limit})


def test_a_degraded_search_silently_finds_errors_only(api):
    whole = {row["id"]: row["issueCategory"] for row in api.search()}
    with api.sandbox.behaviours.during(degraded_search=True):
        degraded = {row["id"]: row["issueCategory"] for row in api.search()}

    assert set(whole.values()) == {"error", "performance"}
    assert degraded == {key: name for key, name in whole.items() if name == "error"}


def test_an_ignored_group_parameter_answers_like_any_search(api):
    ids = [row["id"] for row in api.search()[:3]]
    with api.sandbox.behaviours.during(group_parameter="ignored"):
        response = api.get("issues/", project=-1, group=ids, limit=100)

    assert response.status_code == 200
    assert {row["status"] for row in response.json()} == {"unresolved"}
    assert len(response.json()) > 3
    assert "Link" in response.headers
    assert response.json() == api.rows("issues/", project=-1, limit=100)


def test_a_refused_group_parameter_is_400_and_a_search_is_not(api):
    with api.sandbox.behaviours.during(group_parameter="refused"):
        assert api.get("issues/", project=-1, group="1").status_code == 400
        assert api.search()


def test_without_global_views_a_query_is_about_one_project(api):
    mine, other = (project.id for project in api.organization.projects[:2])
    issue = next(i.id for i in api.organization.issues if i.project_id == mine)
    with api.sandbox.behaviours.during(global_views=False):
        for several in ({"project": -1}, {"project": [mine, other]}, {}):
            for path, params in (
                ("issues/", {"query": ""}),
                ("issues/", {"group": issue}),
                ("events/", EVENTS),
            ):
                refused = api.get(path, **params, **several)
                assert refused.status_code == 400, (path, several)
                assert "project" in refused.json()["detail"]
        assert {row["project"]["id"] for row in api.search(project=mine)} == {mine}
        assert [r["id"] for r in api.rows("issues/", project=mine, group=issue)] == [issue]
        assert api.get("events/", project=mine, **EVENTS).status_code == 200
        for path, params in (
            ("releases/", {}),
            ("environments/", {}),
            ("stats_v2/", STATS),
            ("issues-timeseries/", {"yAxis": "count(new_issues)"}),
        ):
            assert api.get(path, project=-1, **params).status_code == 200, path


def test_one_reachable_project_needs_no_global_views(api):
    others = [project.id for project in api.organization.projects[1:]]
    with api.sandbox.behaviours.during(global_views=False, hidden_projects=others):
        assert api.get("issues/", project=-1, query="").status_code == 200


def test_a_shorter_retention_clamps_the_search_and_refuses_older_events(api):
    now = api.organization.now
    old = {
        "start": (now - timedelta(days=60)).isoformat(),
        "end": (now - timedelta(days=31)).isoformat(),
    }
    cut = {"start": (now - timedelta(days=30)).isoformat(), "end": now.isoformat()}
    month = {row["id"] for row in api.search(**cut)}
    stats = api.rows("stats_v2/", project=-1, interval="1d", **STATS, **old)["groups"]
    with api.sandbox.behaviours.during(retention_days=30):
        assert {row["id"] for row in api.search()} == month
        assert api.search(**old) == []
        refused = api.get("events/", project=-1, **EVENTS, **old)
        kept = api.rows("events/", project=-1, statsPeriod="90d", **EVENTS)
        assert api.rows("stats_v2/", project=-1, interval="1d", **STATS, **old)["groups"] == stats

    assert (refused.status_code, refused.json()) == (
        400,
        {"detail": "Invalid date range. Please try a more recent date range."},
    )
    assert kept["data"] == api.rows("events/", project=-1, **EVENTS, **cut)["data"]
    assert api.search(**old)


def test_too_wide_a_span_times_out_and_a_smaller_one_does_not(api):
    now = api.organization.now
    week = {"start": (now - timedelta(days=7)).isoformat(), "end": now.isoformat()}
    day = {"start": (now - timedelta(days=1)).isoformat(), "end": now.isoformat()}
    with api.sandbox.behaviours.during(query_timeout_hours=24):
        for path, params in (
            ("issues/", {"query": ""}),
            ("events/", EVENTS),
            ("stats_v2/", {"interval": "1h", **STATS}),
        ):
            refused = api.get(path, project=-1, **params, **week)
            assert (refused.status_code, refused.json()) == (400, {"detail": QUERY_TIMEOUT}), path
            assert api.get(path, project=-1, **params, **day).status_code == 200, path
        assert api.get("issues/", project=-1, query="").status_code == 400
        assert api.get("issues/", project=-1, group="1").status_code == 200


def test_first_seen_bounds_make_a_search_small_enough(api):
    low = api.organization.now - timedelta(days=30)
    bounds = f"firstSeen:>={low.isoformat()} firstSeen:<{(low + timedelta(hours=24)).isoformat()}"
    open_end = f"firstSeen:>={low.isoformat()}"
    with api.sandbox.behaviours.during(query_timeout_hours=24):
        assert api.get("issues/", project=-1, query=bounds).status_code == 200
        assert api.get("issues/", project=-1, query=open_end).status_code == 400


def test_too_wide_a_window_of_events_times_out_however_narrow_first_seen_is(api):
    now = api.organization.now
    low = now - timedelta(days=30)
    first_seen = (
        f"firstSeen:>={low.isoformat()} firstSeen:<{(low + timedelta(hours=1)).isoformat()}"
    )
    day = {"start": (now - timedelta(hours=24)).isoformat(), "end": now.isoformat()}
    longer = {"start": (now - timedelta(hours=24, seconds=1)).isoformat(), "end": now.isoformat()}
    with api.sandbox.behaviours.during(search_timeout_hours=24):
        for params in ({"query": first_seen}, {"query": ""}, {"query": "", **longer}):
            refused = api.get("issues/", project=-1, **params)
            assert (refused.status_code, refused.json()) == (400, {"detail": QUERY_TIMEOUT}), params
        assert api.get("issues/", project=-1, query="", **day).status_code == 200
        assert api.get("issues/", project=-1, query="", statsPeriod="24h").status_code == 200


def test_only_the_issue_search_has_that_timeout(api):
    now = api.organization.now
    week = {"start": (now - timedelta(days=7)).isoformat(), "end": now.isoformat()}
    with api.sandbox.behaviours.during(search_timeout_hours=24):
        assert api.get("issues/", project=-1, group="1", **week).status_code == 200
        assert api.get("events/", project=-1, **EVENTS, **week).status_code == 200
        stats = api.get("stats_v2/", project=-1, interval="1h", **STATS, **week)
        assert stats.status_code == 200

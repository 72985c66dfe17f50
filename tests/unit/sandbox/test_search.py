"""The issue search: what it finds, how it pages, what it counts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from include.sandbox.state import issue_state
from include.sandbox.tallies import seen

WINDOW = timedelta(days=90)


def findable(organization, at, start, end):
    """Ids the search must find, from the facts alone."""
    return {
        issue_id
        for issue_id in seen(organization, at, start, end)
        if issue_state(organization.issues_by_id[issue_id], at).existence == "present"
        and organization.issues_by_id[issue_id].category != "feedback"
    }


def test_an_empty_query_finds_every_status_with_an_event_in_90_days(api):
    now = api.organization.now
    rows = api.search()

    assert {row["id"] for row in rows} == findable(api.organization, now, now - WINDOW, now)
    assert {row["status"] for row in rows} == {"unresolved", "resolved", "ignored"}
    for row in rows:
        state = issue_state(api.organization.issues_by_id[row["id"]], now)
        assert (row["status"], row["substatus"]) == (state.status, state.substatus)


def test_without_a_query_only_unresolved_issues_are_found(api):
    response = api.client.get(f"{api.organization.id}/issues/?project=-1&limit=100")

    assert {row["status"] for row in response.json()} == {"unresolved"}


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("is:unresolved", "unresolved"),
        ("is:resolved", "resolved"),
        ("is:archived", "ignored"),
        ("is:ignored", "ignored"),
    ],
)
def test_status_queries(api, query, status):
    assert {row["status"] for row in api.search(query=query)} == {status}


@pytest.mark.parametrize(
    ("params", "detail"),
    [
        ({"query": "level:error"}, "Error parsing search query: level:error"),
        ({"cursor": "bogus"}, "Invalid cursor parameter."),
        ({"start": "2026-10-01T00:00:00Z"}, "start and end are both required"),
        (
            {"start": "2026-10-02T00:00:00Z", "end": "2026-10-01T00:00:00Z"},
            "start must be before end",
        ),
        ({"statsPeriod": "bogus"}, "Invalid statsPeriod: 'bogus'"),
        ({"project": "nowhere"}, "Invalid project parameter. Values must be numbers."),
        ({"sort": "freq"}, "This sandbox cannot sort by 'freq'."),
        ({"environment": "production"}, "This sandbox cannot filter by environment."),
    ],
)
def test_what_it_refuses(api, params, detail):
    response = api.get("issues/", **params)

    assert (response.status_code, response.json()) == (400, {"detail": detail})


def test_omitted_projects_are_the_members_own_and_minus_one_is_all(api):
    foreign = next(p.id for p in api.organization.projects if not p.is_member)
    everywhere = {row["project"]["id"] for row in api.search()}
    own = {
        row["project"]["id"]
        for page in api.pages("issues/", query="", groupStatsPeriod="")
        for row in page
    }

    assert foreign in everywhere
    assert own == everywhere - {foreign}


def test_one_project_out_of_reach_fails_the_whole_call(api):
    mine = api.organization.projects[0].id

    assert api.get("issues/", project=[mine, "999"]).status_code == 403
    assert {row["project"]["id"] for row in api.search(project=mine)} == {mine}


def test_counters_are_of_the_window_and_lifetime_of_all_time(api):
    now = api.organization.now
    start, end = now - timedelta(days=20), now - timedelta(days=5)
    rows = api.search(start=start.isoformat(), end=end.isoformat())
    within = seen(api.organization, now, start, end)
    ever = seen(api.organization, now, api.organization.start, api.organization.horizon)

    assert {row["id"] for row in rows} == findable(api.organization, now, start, end)
    for row in rows:
        assert row["count"] == str(within[row["id"]].count)
        assert row["lifetime"]["count"] == str(ever[row["id"]].count)
        assert row["firstSeen"] >= row["lifetime"]["firstSeen"]
        assert start.isoformat()[:19] <= row["firstSeen"][:19] <= row["lastSeen"][:19]
        assert row["lastSeen"][:19] < end.isoformat()[:19]
    assert any(row["count"] != row["lifetime"]["count"] for row in rows)


def test_retention_cuts_the_window_at_90_days(api):
    now = api.organization.now
    long_ago = (now - timedelta(days=300)).isoformat()
    rows = api.search(start=long_ago, end=now.isoformat())
    empty = api.search(start=long_ago, end=(now - timedelta(days=91)).isoformat())

    assert {row["id"] for row in rows} == findable(api.organization, now, now - WINDOW, now)
    assert empty == []


@pytest.mark.parametrize(("sort", "field"), [("date", "lastSeen"), ("new", "firstSeen")])
def test_rows_are_sorted_newest_first(api, sort, field):
    values = [row[field] for row in api.search(sort=sort)]

    assert values == sorted(values, reverse=True)


@pytest.mark.parametrize("limit", [1, 7, 50, 1000])
def test_pages_cover_everything_once_with_an_empty_page_in_the_middle(api, limit):
    pages = list(api.pages("issues/", project=-1, query="", limit=limit, groupStatsPeriod=""))
    ids = [row["id"] for page in pages for row in page]

    assert len(ids) == len(set(ids)) == len(api.search())
    assert max(map(len, pages)) == min(limit, 100)
    if len(pages) > 4:
        assert [number for number, page in enumerate(pages) if not page] == [2]


def test_both_directions_are_always_there_and_only_results_tells(api):
    first = api.get("issues/", project=-1, query="", limit=20)
    second = api.client.get(first.links["next"]["url"])
    back = api.client.get(second.links["previous"]["url"])

    assert first.links["previous"]["results"] == "false"
    assert first.links["next"]["results"] == "true"
    assert second.links["previous"]["results"] == "true"
    assert [row["id"] for row in back.json()] == [row["id"] for row in first.json()]


def test_hits_are_exact_for_one_page_and_an_estimate_beyond(api):
    hour = {"statsPeriod": "1d", "query": "", "project": -1}
    few = api.get("issues/", limit=100, **hour)
    many = api.get("issues/", limit=10, query="", project=-1)

    assert few.headers["X-Hits"] == str(len(few.json()))
    assert 10 < int(many.headers["X-Hits"]) != len(api.search())


def test_the_cursor_has_the_sort_value_in_milliseconds(api):
    first = api.get("issues/", project=-1, query="", limit=1, sort="new")
    second = api.client.get(first.links["next"]["url"]).json()[0]
    value, offset, is_prev = first.links["next"]["cursor"].split(":")

    assert (offset, is_prev) == ("0", "0")
    assert int(value) % 1000 == 0
    assert second["firstSeen"] < first.json()[0]["firstSeen"]


COUNTERS = {"count", "userCount", "firstSeen", "lastSeen"}


@pytest.mark.parametrize(
    ("collapse", "gone"),
    [
        (["stats"], COUNTERS | {"stats", "lifetime", "filtered"}),
        (["lifetime"], COUNTERS | {"lifetime"}),
        (["filtered"], {"filtered"}),
        (["unhandled"], {"isUnhandled"}),
        (["filtered", "unhandled"], {"filtered", "isUnhandled"}),
    ],
)
def test_collapse_takes_keys_away(api, collapse, gone):
    whole = api.rows("issues/", limit=1)[0]
    cut = api.rows("issues/", limit=1, collapse=collapse)[0]

    assert whole.keys() - cut.keys() == gone


def test_collapsed_to_its_base_an_issue_has_no_status(api):
    assert api.rows("issues/", limit=1, collapse=["base", "stats"])[0].keys() == {
        "id",
        "isUnhandled",
    }


@pytest.mark.parametrize(("period", "buckets"), [("24h", 24), ("14d", 14)])
def test_the_series_is_there_unless_switched_off(api, period, buckets):
    with_series = api.rows("issues/", limit=1, groupStatsPeriod=period)[0]

    assert len(with_series["stats"][period]) == buckets
    assert "24h" in api.rows("issues/", limit=1)[0]["stats"]
    assert "stats" not in api.rows("issues/", limit=1, groupStatsPeriod="")[0]


def test_a_series_sums_up_to_the_events_of_its_span(api):
    rows = api.rows("issues/", project=-1, query="", groupStatsPeriod="14d", limit=30)
    now = api.organization.now
    start = now.replace(hour=0) - timedelta(days=13)
    expected = seen(api.organization, now, start, now)

    for row in rows:
        total = sum(count for _, count in row["stats"]["14d"])
        assert total == (expected[row["id"]].count if row["id"] in expected else 0)


def test_feedback_is_hidden(api):
    hidden = {issue.id for issue in api.organization.issues if issue.category == "feedback"}

    assert hidden
    assert not hidden & {row["id"] for row in api.search()}


def test_time_brings_new_issues_and_new_states(api, at_time):
    before = {row["id"]: row["status"] for row in api.search()}
    with at_time(api.organization.now + timedelta(days=20)) as later:
        after = {row["id"]: row["status"] for row in later.search()}
        now = later.sandbox.clock.now
        assert set(after) == findable(api.organization, now, now - WINDOW, now)

    assert after.keys() - before.keys()
    assert any(before[i] != after[i] for i in after.keys() & before.keys())

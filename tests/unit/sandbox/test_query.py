"""Search terms beyond the status: first seen and ids."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from include.sandbox.errors import ApiError
from include.sandbox.query import Query, read_query
from include.sandbox.state import issue_state
from include.sandbox.tallies import seen


@pytest.fixture(scope="module")
def births(api):
    """First events of all time by id, of what a search over everything finds."""
    ever = seen(
        api.organization, api.organization.now, api.organization.start, api.organization.horizon
    )
    return {row["id"]: ever[row["id"]].first for row in api.search()}


def test_no_query_is_unresolved_and_an_empty_one_is_everything():
    assert read_query(None) == Query(frozenset({"unresolved"}))
    assert read_query("  ") == Query()


@pytest.mark.parametrize(
    ("sign", "holds"),
    [
        (">=", lambda first, at: first >= at),
        (">", lambda first, at: first > at),
        ("<=", lambda first, at: first <= at),
        ("<", lambda first, at: first < at),
    ],
)
def test_first_seen_bounds_are_exact_to_the_second(api, births, sign, holds):
    at = sorted(births.values())[len(births) // 2]
    bound = datetime.fromtimestamp(at, tz=UTC).isoformat()
    found = {row["id"] for row in api.search(query=f"firstSeen:{sign}{bound}")}

    assert found == {issue_id for issue_id, first in births.items() if holds(first, at)}


def test_bounds_combine_with_each_other_and_with_a_status(api, births):
    now = api.organization.now
    low, high = now - timedelta(days=60), now - timedelta(days=20)
    query = f"firstSeen:>={low:%Y-%m-%dT%H:%M:%S} firstSeen:<{high:%Y-%m-%dT%H:%M:%S}Z is:resolved"
    found = {row["id"] for row in api.search(query=query)}

    assert found
    assert found == {
        issue_id
        for issue_id, first in births.items()
        if low.timestamp() <= first < high.timestamp()
        and issue_state(api.organization.issues_by_id[issue_id], now).status == "resolved"
    }
    assert api.search(query="is:resolved is:archived") == []


def test_first_seen_is_of_all_time_and_the_window_still_hides_quiet_issues(api):
    now = api.organization.now
    old = now - timedelta(days=30)
    week = {"start": (now - timedelta(days=7)).isoformat(), "end": now.isoformat()}
    rows = api.search(query=f"firstSeen:<{old.isoformat()}", **week)
    within = seen(api.organization, now, now - timedelta(days=7), now)

    assert rows
    for row in rows:
        assert row["firstSeen"] > row["lifetime"]["firstSeen"] < old.isoformat()
        assert row["id"] in within
    assert len(rows) < len(api.search(query=f"firstSeen:<{old.isoformat()}"))


def test_ids_find_what_has_an_event_in_the_window_and_lose_what_is_quiet(api):
    found = [row["id"] for row in api.search()]
    quiet = next(
        issue.id
        for issue in api.organization.issues
        if issue.id not in found
        and issue.first_seen < api.organization.now - timedelta(days=100)
        and issue_state(issue, api.organization.now).existence == "present"
    )
    several = f"issue.id:[{found[0]}, {found[1]},{quiet}]"

    assert {row["id"] for row in api.search(query=several)} == set(found[:2])
    assert [row["id"] for row in api.search(query=f"issue.id:{found[0]}")] == found[:1]
    assert api.search(query=f"issue.id:{quiet}") == []
    assert api.search(query=f"{several} issue.id:{found[2]}") == []
    status = api.rows("issues/", group=found[0], project=-1)[0]["status"]
    other = next(one for one in ("resolved", "unresolved") if one != status)
    assert api.search(query=f"issue.id:{found[0]} is:{other}") == []


@pytest.mark.parametrize(
    "query",
    [
        "level:error",
        "firstSeen:2026-10-01T00:00:00Z",
        "firstSeen:>=yesterday",
        "firstSeen:-1d",
        "issue.id:x",
        "issue.id:[]",
        "issue.id:[1,x]",
        "is:paused",
        "is:unresolved lastSeen:>2026-10-01T00:00:00Z",
        "free text",
        "!is:resolved",
    ],
)
def test_every_other_term_is_refused(query):
    with pytest.raises(ApiError, match="Error parsing search query") as refused:
        read_query(query)

    assert refused.value.status == 400

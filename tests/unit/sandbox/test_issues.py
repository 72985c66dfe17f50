"""Bulk read, detail and activities, and what a merge or a deletion does to them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from include.sandbox.state import activity_feed, issue_state

BULK = {
    "project": -1,
    "collapse": ["stats", "lifetime", "filtered", "unhandled"],
    "groupStatsPeriod": "",
}


def test_bulk_returns_exactly_the_known_ids_without_order_and_link(api):
    known = [i.id for i in api.organization.issues if i.first_seen <= api.organization.now]
    present = [
        i
        for i in known
        if issue_state(api.organization.issues_by_id[i], api.organization.now).existence
        in {"present", "pending"}
    ][:100]
    response = api.get("issues/", group=[*present, "1", "99999999999"], **BULK)
    ids = [row["id"] for row in response.json()]

    assert sorted(ids) == sorted(present)
    assert ids != sorted(ids)
    assert ids != sorted(ids, reverse=True)
    assert "Link" not in response.headers
    assert "count" not in response.json()[0]


def test_bulk_ignores_the_query_the_window_and_sees_quiet_issues(api):
    found = {row["id"] for row in api.search()}
    quiet = next(
        issue
        for issue in api.organization.issues
        if issue.id not in found
        and issue.first_seen < api.organization.now - timedelta(days=100)
        and issue_state(issue, api.organization.now).existence == "present"
    )
    rows = api.rows("issues/", group=quiet.id, query="is:nonsense", statsPeriod="1h", project=-1)

    assert [row["id"] for row in rows] == [quiet.id]
    assert rows[0]["count"] == rows[0]["lifetime"]["count"]


def test_bulk_needs_numbers_and_leaves_out_foreign_projects(api):
    foreign = {p.id for p in api.organization.projects if not p.is_member}
    issue = next(i for i in api.organization.issues if i.project_id in foreign)

    refused = api.get("issues/", group=["1", "x"])
    assert (refused.status_code, refused.json()) == (400, {"detail": "Group ids must be integers"})
    assert api.rows("issues/", group=issue.id) == []
    assert len(api.rows("issues/", group=issue.id, project=-1)) == 1


def coming(organization, kind):
    """The first action of a kind after now, and its issue."""
    found = [
        (action, issue)
        for issue in organization.issues
        for action in issue.actions
        if action.kind == kind and action.at > organization.now + timedelta(hours=3)
    ]
    return min(found, key=lambda pair: pair[0].at)


def test_a_merge_makes_the_id_vanish_and_answer_with_its_survivor(organization, at_time):
    merged, child = coming(organization, "merged_into")
    survivor = organization.issues_by_id[merged.data["survivor"]]
    with at_time(merged.at - timedelta(seconds=30)) as api:
        rows = {row["id"]: row for row in api.rows("issues/", group=child.id, **BULK)}
        assert rows[child.id]["status"] == "pending_merge"
        assert api.get(f"issues/{child.id}/").status_code == 404
        before = api.rows(f"issues/{survivor.id}/")
    with at_time(merged.at + timedelta(seconds=1)) as api:
        assert api.rows("issues/", group=child.id, **BULK) == []
        assert api.get(f"issues/{child.id}/").json()["id"] == survivor.id
        after = api.rows(f"issues/{survivor.id}/")
        feed = api.rows(f"issues/{survivor.id}/activities/")["activity"]
        assert child.id not in {row["id"] for row in api.search()}
    merge = next(item for item in feed if item["type"] == "merge")
    assert int(child.id) in {issue["id"] for issue in merge["data"]["issues"]}
    assert int(after["count"]) > int(before["count"])
    assert after["firstSeen"] <= before["firstSeen"]


def test_a_deleted_issue_is_pending_for_an_hour_and_then_gone(organization, at_time):
    deleted, issue = coming(organization, "deleted")
    with at_time(deleted.at - timedelta(minutes=30)) as api:
        rows = api.rows("issues/", group=issue.id, **BULK)
        assert [row["status"] for row in rows] == ["pending_deletion"]
        assert api.get(f"issues/{issue.id}/").status_code == 404
        assert api.get(f"issues/{issue.id}/activities/").status_code == 404
        assert issue.id not in {row["id"] for row in api.search()}
    with at_time(deleted.at) as api:
        assert api.rows("issues/", group=issue.id, **BULK) == []
        assert api.get(f"issues/{issue.id}/").status_code == 404


def test_an_issue_of_the_future_does_not_exist_yet(api):
    future = api.organization.issues[-1]

    assert api.get(f"issues/{future.id}/").status_code == 404
    assert api.rows("issues/", group=future.id, project=-1) == []


def test_activities_are_the_feed_and_the_synthetic_first_seen(api):
    now = api.organization.now
    for issue in api.organization.issues[:60]:
        if issue_state(issue, now).existence != "present":
            continue
        feed = api.rows(f"issues/{issue.id}/activities/")["activity"]
        expected = activity_feed(issue, now)
        assert [item["id"] for item in feed] == [*(a.activity_id for a in expected), "0"]
        assert [item["type"] for item in feed] == [*(a.kind for a in expected), "first_seen"]
        for item, action in zip(feed, expected, strict=False):
            assert (
                item["data"].items()
                >= {key: value for key, value in action.data.items() if key != "issues"}.items()
            )
            assert (item["user"] or {}).get("id") == action.actor


def test_a_feed_never_has_more_than_100_items(api):
    busiest = max(
        (i for i in api.organization.issues if i.first_seen < api.organization.now),
        key=lambda issue: len(issue.actions),
    )
    response = api.get(f"issues/{busiest.id}/activities/")

    assert len(response.json()["activity"]) == 100
    assert "Link" not in response.headers


def test_a_new_activity_shows_when_the_clock_reaches_it(organization, at_time):
    action, issue = coming(organization, "assigned")
    with at_time(action.at - timedelta(seconds=1)) as api:
        path = f"issues/{issue.id}/activities/"
        before = api.get(path)
        api.sandbox.clock.advance(1)
        after = api.rows(path)["activity"]
    ids = [] if before.status_code == 404 else [i["id"] for i in before.json()["activity"]]
    assert action.activity_id not in ids
    assert after[0]["id"] == action.activity_id


@pytest.mark.parametrize("collapse", ["release", "stats", "tags"])
def test_detail_can_be_collapsed(api, collapse):
    issue_id = api.search()[0]["id"]
    whole = api.rows(f"issues/{issue_id}/")
    cut = api.rows(f"issues/{issue_id}/", collapse=collapse)

    keys = {"release": {"firstRelease", "lastRelease"}, "stats": {"stats"}, "tags": {"tags"}}
    assert whole.keys() - cut.keys() == keys[collapse]

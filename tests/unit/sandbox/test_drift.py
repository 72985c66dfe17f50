"""Type drift and unknown words: that they occur, where they must not, and that canaries are in."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from include.sandbox.canaries import CANARY
from include.sandbox.organization import OUTCOMES

STATS = {"field": "sum(quantity)", "category": "error", "project": -1}
EVENTS = {"dataset": "errors", "project": -1, "field": ["issue.id", "release", "count()"]}
DRIFTED = {
    "numComments": str,
    "platform": dict,
    "assignedTo": list,
    "statusDetails": list,
    "priorityLockedAt": str,
    "level": int,
    "count": dict,
    "priority": dict,
    "substatus": list,
    "isUnhandled": str,
    "derivedData": str,
}


def pages(api, path, **params):
    return [row for page in api.pages(path, project=-1, **params) for row in page]


def every_issue(api):
    """Search and bulk; the rows of the search first."""
    rows = api.search()
    ids = [row["id"] for row in rows]
    groups = [ids[low : low + 100] for low in range(0, len(ids), 100)]
    return rows, [row for g in groups for row in api.rows("issues/", project=-1, group=g)]


@pytest.fixture(scope="module")
def drifted(api):
    plain = {row["id"]: row for row in api.search()}
    with api.sandbox.behaviours.during(drift=True):
        return plain, *every_issue(api)


@pytest.mark.parametrize("field", DRIFTED)
def test_each_field_of_an_issue_drifts_in_some_rows_and_holds_a_canary(drifted, field):
    plain, rows, _ = drifted
    changed = [row for row in rows if row[field] != plain[row["id"]][field]]

    assert 0 < len(changed) < len(rows) / 5
    assert all(isinstance(row[field], DRIFTED[field]) for row in changed)
    if field != "level":
        assert all(CANARY in str(row[field]) for row in changed)


def test_lifetime_counts_drift_to_floats(drifted):
    kinds = {type(row["lifetime"]["count"]) for row in drifted[1]}

    assert kinds == {str, float}


def test_most_rows_and_every_identity_stay(drifted):
    plain, rows, bulk = drifted

    assert sum(row == plain[row["id"]] for row in rows) > len(rows) / 3
    for row in (*rows, *bulk):
        before = plain[row["id"]]
        assert row["status"] == before["status"]
        assert row["project"]["id"] == before["project"]["id"]


def test_the_same_rows_drift_in_search_bulk_and_detail(api, drifted):
    _, rows, bulk = drifted
    platforms = {row["id"]: row["platform"] for row in rows}
    chosen = next(key for key, value in platforms.items() if isinstance(value, dict))
    with api.sandbox.behaviours.during(drift=True):
        assert api.rows(f"issues/{chosen}/")["platform"] == platforms[chosen]

    assert {row["id"]: row["platform"] for row in bulk} == platforms


def test_projects_environments_releases_and_deploys_drift(api):
    deployed = [r.version for r in api.organization.releases if len(r.deploys) > 2][:12]
    with api.sandbox.behaviours.during(drift=True):
        projects = api.rows("projects/")
        environments = api.rows("environments/", visibility="all")
        releases = pages(api, "releases/", status="")
        deploys = [
            row
            for version in deployed
            for row in api.rows(f"releases/{quote(version, safe='')}/deploys/")
        ]

    assert {type(row["platform"]) for row in projects} == {str, dict}
    assert {type(row["name"]) for row in environments} == {str, type(None)}
    assert {type(row["versionInfo"]) for row in releases} == {str, dict, type(None)}
    assert {type(row["newGroups"]) for row in releases} == {int, type(None)}
    assert {type(row["dateReleased"]) for row in releases} == {str, int, type(None)}
    assert {str, int} <= {type(row["dateStarted"]) for row in deploys}


def feeds(api):
    ids = [row["id"] for row in api.search()]
    return [api.rows(f"issues/{one}/activities/")["activity"] for one in ids]


def test_the_data_of_activities_drifts(api):
    with api.sandbox.behaviours.during(drift=True):
        items = [item for feed in feeds(api) for item in feed]

    assert {type(item["data"]) for item in items} == {dict, str, list, type(None)}
    assert {str, dict} <= {type(item["user"]) for item in items}


def test_quantities_and_counts_drift(api):
    with api.sandbox.behaviours.during(drift=True):
        groups = api.rows("stats_v2/", groupBy="outcome", interval="1h", **STATS)["groups"]
        rows = api.rows("events/", **EVENTS)["data"]

    drifted = next(group for group in groups if group["by"]["outcome"] == "filtered")
    assert {type(n) for n in drifted["series"]["sum(quantity)"]} == {str}
    assert CANARY in drifted["totals"]["sum(quantity)"]
    assert {type(row["count()"]) for row in rows} == {int, str}
    assert {str, dict} <= {type(row["release"]) for row in rows}


WORDS = {
    "status": "paused",
    "level": "catastrophic",
    "priority": "urgent",
    "substatus": "simmering",
    "issueCategory": "weather",
}
FREE_TEXT = f"{CANARY} text with spaces"


@pytest.fixture(scope="module")
def strange(api):
    with api.sandbox.behaviours.during(unknown_words=True):
        return every_issue(api)


@pytest.mark.parametrize("field", WORDS)
def test_some_issues_have_words_nobody_knows(strange, field):
    for rows in strange:
        values = [row[field] for row in rows]
        assert 0 < values.count(WORDS[field]) < len(rows) / 10


def test_some_words_are_free_text(strange):
    fields = {key for row in strange[0] for key, value in row.items() if value == FREE_TEXT}
    kinds = {row["assignedTo"]["type"] for row in strange[0] if row["assignedTo"]}

    assert fields >= {"status", "level", "priority", "substatus", "platform", "issueType"}
    assert kinds >= {"user", "team", "robot"} or kinds >= {"user", "team", FREE_TEXT}


def test_some_activities_have_unknown_types_and_no_feed_grows_beyond_a_hundred(api):
    with api.sandbox.behaviours.during(unknown_words=True):
        shown = feeds(api)
    kinds = [{item["type"] for item in feed} for feed in shown]
    strange = [names for names in kinds if "quantum_resolved" in names]

    assert 0 < len(strange) < len(kinds)
    assert any(FREE_TEXT in names for names in strange)
    assert max(map(len, shown)) <= 100
    assert all(feed[-1]["id"] == "0" for feed in shown)


def test_unknown_outcomes_stand_beside_the_known_ones(api):
    with api.sandbox.behaviours.during(unknown_words=True):
        body = api.rows("stats_v2/", groupBy="outcome", interval="1h", **STATS)
        asked = api.rows("stats_v2/", groupBy="outcome", outcome="accepted", **STATS)
        by_project = api.rows("stats_v2/", groupBy=["project", "outcome"], **STATS)
    names = {group["by"]["outcome"] for group in body["groups"]}

    assert names - set(OUTCOMES) == {"evaporated", FREE_TEXT}
    assert {group["by"]["outcome"] for group in asked["groups"]} == {"accepted"}
    assert "evaporated" in {group["by"]["outcome"] for group in by_project["groups"]}
    for group in body["groups"]:
        assert len(group["series"]["sum(quantity)"]) == len(body["intervals"])


def test_some_releases_have_an_unknown_status(api):
    with api.sandbox.behaviours.during(unknown_words=True):
        statuses = {row["status"] for row in pages(api, "releases/", status="")}

    assert statuses == {"open", "archived", "frozen", FREE_TEXT}

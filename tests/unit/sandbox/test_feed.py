"""The surprises of the activity feed: that each occurs, and the action log."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from include.sandbox.state import FEED_LIMIT, activities, activity_feed, issue_state, issue_states
from include.sandbox.transitions import apply

RESOLVING = "set_resolved"


def lives(organization):
    """Every issue with its actions and the states around them."""
    for issue in organization.issues:
        yield issue, issue.actions, issue_states(issue)


def test_some_issue_has_more_activities_than_are_shown(organization):
    assert any(
        len(activities(issue, organization.now)) > FEED_LIMIT for issue in organization.issues
    )


def test_some_consecutive_duplicates_are_collapsed(organization):
    now = organization.now
    quiet = [issue for issue in organization.issues if len(issue.actions) < FEED_LIMIT]

    assert any(len(activity_feed(i, now)) < len(activities(i, now)) for i in quiet)


def test_some_issue_is_resolved_and_reopened_within_the_hour_without_an_event(organization):
    def is_flip_flop(issue, one, two):
        times = issue.occurrences.times
        is_quiet = not ((times > one.at.timestamp()) & (times <= two.at.timestamp())).any()
        is_turn = one.kind.startswith(RESOLVING) and two.kind == "set_unresolved"
        return is_turn and two.at - one.at < timedelta(hours=1) and is_quiet

    assert any(
        is_flip_flop(issue, *pair)
        for issue, actions, _ in lives(organization)
        for pair in pairwise(actions)
    )


def test_some_issue_goes_from_one_person_to_another_and_back_without_progress(organization):
    def handovers():
        for _, actions, states in lives(organization):
            for before, action, after in zip(states, actions, states[1:], strict=False):
                if action.kind == "assigned" and before.assignee not in {None, after.assignee}:
                    yield before, after

    moves = list(handovers())
    assert moves
    assert all(one.last_progressed_at == two.last_progressed_at for one, two in moves)
    returns = [
        states
        for _, _, states in lives(organization)
        for one, two, three in zip(states, states[1:], states[2:], strict=False)
        if None not in {one.assignee, two.assignee}
        and one.assignee == three.assignee != two.assignee
    ]
    assert returns


def test_some_issue_is_resolved_by_age_before_the_activity_says_so(organization):
    found = [
        (issue, one, two)
        for issue, actions, _ in lives(organization)
        for one, two in pairwise(actions)
        if (one.kind, two.kind) == ("age_reached", "set_resolved_by_age")
    ]
    assert found
    issue, reached, written = found[0]
    assert issue_state(issue, reached.at).details == {"autoResolved": True}
    assert written not in activities(issue, reached.at)


def test_some_resolution_in_the_next_release_is_rewritten_without_a_change_of_status(organization):
    rewritten = [
        (before, after)
        for _, actions, states in lives(organization)
        for before, action, after in zip(states, actions, states[1:], strict=False)
        if action.kind == "release_appeared"
    ]
    assert rewritten
    for before, after in rewritten:
        assert (before.status, after.status) == ("resolved", "resolved")
        assert before.details == {"inNextRelease": True}
        assert after.details.keys() == {"inRelease"}


def test_some_snooze_lapses_and_no_activity_ever_says_so(organization):
    silent = [
        issue
        for issue, actions, _ in lives(organization)
        for place, action in enumerate(actions)
        if action.kind == "snooze_lapsed"
        and not any(
            later.kind == "set_unresolved" and later.at - action.at < timedelta(hours=1)
            for later in actions[place:]
        )
    ]
    assert silent


def test_some_new_issue_becomes_ongoing_after_a_week(organization):
    found = [
        (issue, action)
        for issue, actions, _ in lives(organization)
        for action in actions
        if action.kind == "auto_set_ongoing"
    ]
    assert found
    assert any(
        timedelta(days=7) < action.at - issue.first_seen < timedelta(days=7, hours=1)
        for issue, action in found
    )
    assert apply(issue_state(found[0][0], found[0][0].first_seen), found[0][1]).substatus == (
        "ongoing"
    )


@pytest.fixture(scope="module")
def told(api):
    """Feeds by issue, from the activity table and from the action log."""

    def feeds():
        return {
            row["id"]: api.rows(f"issues/{row['id']}/activities/")["activity"]
            for row in api.search()
        }

    table = feeds()
    with api.sandbox.behaviours.during(action_log=True):
        return table, feeds()


def test_the_action_log_tells_the_same_story_under_other_ids(told):
    table, log = told
    for issue_id, feed in table.items():
        known = [item for item in log[issue_id] if item["type"] != "issue_action_log_ping"]
        assert [(i["type"], i["dateCreated"]) for i in known] == [
            (i["type"], i["dateCreated"]) for i in feed
        ]
        assert {i["id"] for i in known} & {i["id"] for i in feed} == {"0"}
    ids = [item["id"] for feed in log.values() for item in feed if item["id"] != "0"]
    assert len(ids) == len(set(ids))


def test_the_action_log_has_sources_new_types_and_merged_issues_by_id_only(told):
    items = [item for feed in told[1].values() for item in feed if item["id"] != "0"]
    merges = [item["data"] for item in items if item["type"] == "merge"]

    assert all("source" in item for item in items)
    assert any(item["type"] == "issue_action_log_ping" for item in items)
    assert merges
    for data in merges:
        assert data.keys() == {"issues"}
        assert all(child.keys() == {"id"} for child in data["issues"])
    assert not any("source" in item for feed in told[0].values() for item in feed)
    assert max(map(len, told[1].values())) == 100

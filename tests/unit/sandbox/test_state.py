"""Folds: each rule of Sentry's about states, on small hand-made issues and the generated ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest

from include.sandbox.organization import Action, Issue, Occurrences
from include.sandbox.state import (
    FEED_LIMIT,
    activities,
    activity_feed,
    issue_state,
    issue_states,
)

FIRST = datetime(2026, 10, 1, 8, tzinfo=UTC)
ADA, BELA = "73900017", "73900028"


def after(hours: float) -> datetime:
    return FIRST + timedelta(hours=hours)


def issue_with(*actions: tuple[float, str, str | None, dict[str, object]]) -> Issue:
    second = np.array([int(FIRST.timestamp())])
    return Issue(
        id="1",
        short_id="X-1",
        project_id="2",
        level="error",
        platform="python",
        event_type="error",
        issue_type="error",
        category="error",
        is_unhandled=False,
        initial_priority="medium",
        first_seen=FIRST,
        occurrences=Occurrences(second, np.array([0], dtype=np.int32), np.array([1])),
        actions=tuple(
            Action(after(hours), kind, actor, data, str(number))
            for number, (hours, kind, actor, data) in enumerate(actions)
        ),
    )


def test_an_issue_does_not_exist_before_its_first_event():
    issue = issue_with()

    assert issue_state(issue, after(-1)).existence == "unseen"
    assert issue_state(issue, FIRST).existence == "present"
    assert issue_state(issue, FIRST).substatus == "new"


def test_an_action_counts_from_its_own_moment_on():
    issue = issue_with((1, "set_resolved", ADA, {}))

    assert issue_state(issue, after(1) - timedelta(microseconds=1)).status == "unresolved"
    assert issue_state(issue, after(1)).status == "resolved"
    assert issue_state(issue, after(1)).resolved_at == after(1)


@pytest.mark.parametrize(
    ("kind", "data", "details"),
    [
        ("set_resolved", {}, {}),
        ("set_resolved_in_release", {"version": "a@1.0.0"}, {"inRelease": "a@1.0.0"}),
        ("set_resolved_in_release", {"inNextRelease": True}, {"inNextRelease": True}),
        ("set_resolved_in_commit", {}, {"inCommit": True}),
        ("set_resolved_in_pull_request", {}, {}),
        ("set_resolved_by_age", {"age": 720}, {}),
    ],
)
def test_each_resolution_has_its_details(kind, data, details):
    state = issue_state(issue_with((1, kind, ADA, data)), after(2))

    assert (state.status, state.substatus, state.details) == ("resolved", None, details)


def test_the_next_release_is_rewritten_to_the_concrete_one_without_a_change_of_status():
    issue = issue_with(
        (1, "set_resolved_in_release", ADA, {"inNextRelease": True, "version": ""}),
        (30, "release_appeared", None, {"version": "a@2.0.0"}),
    )

    assert issue_state(issue, after(2)).details == {"inNextRelease": True}
    assert issue_state(issue, after(31)).details == {"inRelease": "a@2.0.0"}
    assert issue_state(issue, after(31)).resolved_at == after(1)


def test_over_age_shows_as_resolved_before_the_activity_exists():
    issue = issue_with(
        (1, "age_reached", None, {}), (1.5, "set_resolved_by_age", None, {"age": 720})
    )
    early, late = issue_state(issue, after(1.2)), issue_state(issue, after(2))

    assert (early.status, early.details) == ("resolved", {"autoResolved": True})
    assert early.resolved_at is None
    assert activities(issue, after(1.2)) == ()
    assert (late.details, late.resolved_at) == ({}, after(1.5))


@pytest.mark.parametrize(
    ("data", "substatus", "keys"),
    [
        ({"ignoreUntilEscalating": True}, "archived_until_escalating", set()),
        ({}, "archived_forever", set()),
        ({"ignoreCount": 10}, "archived_until_condition_met", {"ignoreCount", "ignoreUntil"}),
    ],
)
def test_each_archive_has_its_substatus(data, substatus, keys):
    state = issue_state(issue_with((1, "set_ignored", ADA, data)), after(2))

    assert (state.status, state.substatus) == ("ignored", substatus)
    assert keys <= state.details.keys()
    assert bool(state.details_actor) == bool(keys)


def test_a_snooze_lapses_without_an_activity():
    issue = issue_with(
        (1, "set_ignored", ADA, {"ignoreDuration": 60, "ignoreUntil": "2026-10-01T10:00:00Z"}),
        (2, "snooze_lapsed", None, {}),
    )

    assert issue_state(issue, after(2)).status == "unresolved"
    assert [action.kind for action in activities(issue, after(3))] == ["set_ignored"]


def test_last_progress_moves_on_assignment_and_resolution_but_not_on_a_handover():
    issue = issue_with(
        (1, "assigned", ADA, {"assignee": ADA, "assigneeType": "user"}),
        (2, "assigned", ADA, {"assignee": BELA, "assigneeType": "user"}),
        (3, "set_priority", ADA, {"priority": "low"}),
        (4, "set_ignored", ADA, {"ignoreUntilEscalating": True}),
        (5, "unassigned", ADA, {}),
        (6, "set_resolved", ADA, {}),
        (7, "set_regression", None, {"version": ""}),
    )
    progress = [state.last_progressed_at for state in issue_states(issue)]

    assert progress == [FIRST, *(after(h) for h in (1, 1, 1, 1, 5, 6, 7))]


def test_only_people_lock_a_priority():
    by_sentry = issue_with((1, "set_priority", None, {"priority": "high", "reason": "escalating"}))
    by_hand = issue_with((1, "set_priority", ADA, {"priority": "low"}))

    assert issue_state(by_sentry, after(2)).priority_locked_at is None
    assert issue_state(by_hand, after(2)).priority_locked_at == after(1)
    assert issue_state(by_hand, after(2)).priority == "low"


def test_the_feed_is_newest_first_collapsed_and_cut():
    twice = issue_with(
        (1, "mark_reviewed", ADA, {}), (1.1, "mark_reviewed", ADA, {}), (2, "note", ADA, {})
    )
    long = issue_with(*((n, "note", ADA, {}) for n in range(1, 151)))

    assert [(a.kind, a.activity_id) for a in activity_feed(twice, after(3))] == [
        ("note", "2"),
        ("mark_reviewed", "1"),
    ]
    assert len(activities(twice, after(3))) == 3
    feed = activity_feed(long, after(200))
    assert len(feed) == FEED_LIMIT
    assert feed[0].at == after(150)


def test_an_unknown_kind_changes_nothing():
    issue = issue_with((1, "pull_request_linked", None, {}))
    before, now = issue_states(issue)

    assert before == now


def test_merged_issues_are_pending_for_a_minute_and_then_gone(organization):
    merged = [i for i in organization.issues if i.actions and i.actions[-1].kind == "merged_into"]
    assert merged
    for issue in merged:
        pending, gone = issue.actions[-2:]
        assert issue_state(issue, pending.at).status == "pending_merge"
        state = issue_state(issue, gone.at)
        survivor = organization.issues_by_id[state.merged_into]
        assert state.existence == "merged"
        assert issue.id in issue_state(survivor, gone.at).absorbed
        assert issue_state(survivor, gone.at).existence == "present"
        assert issue.occurrences.times[-1] <= pending.at.timestamp()
        assert survivor.project_id == issue.project_id


def test_deleted_issues_are_pending_for_an_hour_and_then_gone(organization):
    deleted = [i for i in organization.issues if i.actions and i.actions[-1].kind == "deleted"]
    assert deleted
    for issue in deleted:
        pending, gone = issue.actions[-2:]
        assert gone.at - pending.at == timedelta(hours=1)
        assert issue_state(issue, pending.at).status == "pending_deletion"
        assert issue_state(issue, pending.at).existence == "pending"
        assert issue_state(issue, gone.at).existence == "deleted"


def test_states_alternate_by_the_rules(organization):
    for issue in organization.issues:
        for state in issue_states(issue):
            assert state.priority in {"low", "medium", "high"}
            if state.status == "unresolved":
                assert state.substatus in {"new", "ongoing", "regressed", "escalating"}
            if state.status == "ignored":
                assert state.substatus.startswith("archived_")
        for one, two in pairwise(issue.actions):
            assert one.at <= two.at

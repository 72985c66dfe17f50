"""The generated organization is repeatable, realistic and consistent."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from datetime import datetime, timedelta
from hashlib import sha256

import numpy as np
import pytest

from include.sandbox.generate import DEFAULT_NOW, generate
from include.sandbox.organization import SILENT_KINDS, Organization
from include.sandbox.pacing import is_working_time
from include.sandbox.state import issue_states, release_state
from include.sandbox.tallies import seen

REOPENING = {"set_regression", "set_unresolved"}
RESOLVING = {
    "set_resolved",
    "set_resolved_in_release",
    "set_resolved_in_commit",
    "set_resolved_in_pull_request",
    "set_resolved_by_age",
}


def digest(organization: Organization) -> str:
    parts = sha256()
    for issue in organization.issues:
        parts.update(repr((issue.id, issue.short_id, issue.level, issue.actions)).encode())
        for array in (issue.occurrences.times, issue.occurrences.counts):
            parts.update(array.tobytes())
        parts.update(issue.occurrences.version_codes.tobytes())
    for series in organization.dropped.values():
        for counts in series.values():
            parts.update(counts.tobytes())
    parts.update(repr(organization.releases).encode())
    return parts.hexdigest()


def test_the_same_seed_gives_the_same_organization(organization):
    again = generate(seed=7, now=DEFAULT_NOW, issues=300)

    assert digest(again) == digest(organization)


def test_another_seed_gives_another_organization(organization):
    assert digest(generate(seed=8, now=DEFAULT_NOW, issues=300)) != digest(organization)


def test_a_naive_now_and_a_tiny_organization_are_refused():
    with pytest.raises(ValueError, match="aware"):
        generate(seed=1, now=datetime(2026, 1, 1), issues=300)  # noqa: DTZ001
    with pytest.raises(ValueError, match="at least 30"):
        generate(seed=1, now=DEFAULT_NOW, issues=3)


def test_the_number_of_issues_is_that_of_the_past(organization):
    past = [issue for issue in organization.issues if issue.first_seen <= organization.now]

    assert len(past) == 300
    assert len(organization.issues) > 400


def test_at_least_85_percent_have_an_event_in_the_last_90_days(organization):
    now = organization.now
    recent = seen(organization, now, now - timedelta(days=90), now)

    assert len(recent) >= 0.85 * 300
    quiet = [i for i in organization.issues if i.first_seen <= now and i.id not in recent]
    assert len(quiet) > 10


def test_ids_rise_with_first_seen_and_short_ids_are_unique(organization):
    ids = [int(issue.id) for issue in organization.issues]
    firsts = [issue.first_seen for issue in organization.issues]

    assert ids == sorted(set(ids))
    assert firsts == sorted(firsts)
    assert len({issue.short_id for issue in organization.issues}) == len(ids)


def test_events_are_in_order_inside_the_history_and_come_from_existing_releases(organization):
    created = [-np.inf, *(release.created_at.timestamp() for release in organization.releases)]
    for issue in organization.issues:
        events = issue.occurrences
        assert events.times[0] == issue.first_seen.timestamp()
        assert (np.diff(events.times) > 0).all()
        assert (events.counts >= 1).all()
        assert events.times[-1] < organization.horizon.timestamp()
        assert (np.array(created)[events.version_codes] <= events.times).all()


def test_releases_belong_to_the_project_of_the_event(organization):
    for issue in organization.issues:
        for code in set(issue.occurrences.version_codes.tolist()) - {0}:
            assert issue.project_id in organization.releases[code - 1].project_ids


def test_actions_are_in_order_and_after_the_first_event(organization):
    for issue in organization.issues:
        times = [action.at for action in issue.actions]
        assert times == sorted(times)
        assert not times or times[0] > issue.first_seen


def test_there_is_no_event_while_an_issue_is_resolved_but_the_one_that_reopens_it(organization):
    for issue in organization.issues:
        states, times = issue_states(issue), [action.at.timestamp() for action in issue.actions]
        reopened = [a.at.timestamp() for a in issue.actions if a.kind == "set_regression"]
        for second in issue.occurrences.times.tolist():
            if states[bisect_right(times, second)].status == "resolved":
                assert any(0 <= at - second < 60 for at in reopened), issue.id


def test_a_regression_names_the_release_of_its_event(organization):
    for issue in organization.issues:
        versions = {
            second: organization.versions[code]
            for second, code in zip(
                issue.occurrences.times.tolist(),
                issue.occurrences.version_codes.tolist(),
                strict=True,
            )
        }
        for action in issue.actions:
            if action.kind == "set_regression":
                event = max(second for second in versions if second <= action.at.timestamp())
                assert versions[event] == action.data["version"]


def test_every_kind_of_story_occurs(organization):
    kinds = Counter(action.kind for issue in organization.issues for action in issue.actions)

    assert kinds.keys() >= {
        *RESOLVING,
        *REOPENING,
        *SILENT_KINDS,
        "assigned",
        "unassigned",
        "set_ignored",
        "set_escalating",
        "auto_set_ongoing",
        "set_priority",
        "mark_reviewed",
        "note",
        "create_issue",
        "seer_rca_completed",
        "trigger_autofix",
        "merge",
        "unmerge_source",
        "unmerge_destination",
    }
    sources = {
        action.data.get("integration")
        for issue in organization.issues
        for action in issue.actions
        if action.kind == "assigned"
    }
    assert sources == {None, "codeowners", "projectOwnership", "suspectCommitter"}
    assert max(len(issue.actions) for issue in organization.issues) > 100


def test_a_few_issues_are_about_performance_and_take_part_in_no_merge(organization):
    performance = [i for i in organization.issues if i.category == "performance"]
    kinds = {action.kind for issue in performance for action in issue.actions}

    assert 0.005 < len(performance) / len(organization.issues) < 0.05
    assert {i.issue_type for i in performance} == {"performance_slow_db_query"}
    assert {i.event_type for i in performance} == {"transaction"}
    assert not any(issue.is_unhandled for issue in performance)
    assert not {kind for kind in kinds if "merge" in kind}


def test_activity_ids_rise_with_time_and_silent_changes_have_none(organization):
    actions = [action for issue in organization.issues for action in issue.actions]
    loud = [action for action in actions if action.activity_id is not None]
    by_id = sorted(loud, key=lambda action: int(action.activity_id))

    assert [a.at for a in by_id] == sorted(a.at for a in loud)
    assert len({action.activity_id for action in loud}) == len(loud)
    assert {a.kind for a in actions if a.activity_id is None} == SILENT_KINDS


def test_people_mostly_act_at_work(organization):
    by_hand = [
        action.at.timestamp()
        for issue in organization.issues
        if len(issue.actions) < 100
        for action in issue.actions
        if action.actor is not None and action.kind.startswith("set_resolved")
    ]

    assert sum(map(is_working_time, by_hand)) / len(by_hand) > 0.8


def test_one_person_carries_most_of_billing(organization):
    billing = next(project for project in organization.projects if project.slug == "billing")
    assignees = Counter(
        action.data["assignee"]
        for issue in organization.issues
        if issue.project_id == billing.id and len(issue.actions) < 100
        for action in issue.actions
        if action.kind == "assigned" and action.data["assigneeType"] == "user"
    )

    assert assignees[organization.people[0].id] / assignees.total() > 0.5


def test_life_goes_on_after_now_and_on_quiet_issues_too(organization):
    now, later = organization.now, organization.now + timedelta(days=30)
    quiet_actions = 0
    for issue in organization.issues:
        if issue.first_seen > now:
            continue
        times = issue.occurrences.times
        has_event = ((times >= now.timestamp()) & (times < later.timestamp())).any()
        changes = [a for a in issue.actions if now < a.at < later and a.actor is not None]
        quiet_actions += len(changes) if not has_event else 0

    assert quiet_actions >= 10


def test_releases_are_varied(organization):
    releases = organization.releases
    versions = [release.version for release in releases]

    assert len(set(versions)) == len(versions)
    assert any(v.startswith("billing@") and "+build." in v and v.endswith("/rc") for v in versions)
    assert any(v.startswith("com.example.app@") and "+" in v for v in versions)
    assert any(len(v) == 40 and "@" not in v for v in versions)
    assert any(len(release.project_ids) == 2 for release in releases)
    assert any(release.released_at is None for release in releases)
    assert any(release.archived_at is not None for release in releases)
    assert {len(release.deploys) for release in releases} == {0, 1, 2, 3, 4}
    hotfixes = [
        (one.created_at, two.created_at)
        for one in releases
        for two in releases
        if one.version.endswith(".0") and two.version == one.version[:-1] + "1"
    ]
    assert hotfixes
    assert all(timedelta(0) < fix - base < timedelta(hours=24) for base, fix in hotfixes)


def test_a_release_shows_only_what_has_happened(organization):
    release = next(
        r for r in organization.releases if r.archived_at and r.released_at and r.deploys
    )
    before = release_state(release, release.created_at - timedelta(seconds=1))
    during = release_state(release, release.created_at)
    after = release_state(release, release.archived_at)

    assert not before.exists
    assert (during.exists, during.status, during.released_at, during.deploys) == (
        True,
        "open",
        None,
        (),
    )
    assert (after.status, after.released_at) == ("archived", release.released_at)


def test_projects_cover_the_special_cases(organization):
    with_releases = {p for release in organization.releases for p in release.project_ids}
    with_issues = {issue.project_id for issue in organization.issues}

    assert sum(not project.is_member for project in organization.projects) == 1
    assert sum(project.id not in with_releases for project in organization.projects) == 1
    assert sum(project.id not in with_issues for project in organization.projects) == 1
    assert len(organization.people) == 14
    assert all(len(person.id) >= 7 for person in organization.people)

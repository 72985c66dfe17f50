"""Process problems can be planted, and nothing else changes by that."""

from __future__ import annotations

import pytest

from include.sandbox.generate import DEFAULT_NOW, generate
from include.sandbox.organization import Organization
from include.sandbox.patterns import EXTRA_ISSUES, PATTERNS, planted_plans, planted_trains
from include.sandbox.trains import TRAINS


def organization(*patterns: str) -> Organization:
    return generate(3, DEFAULT_NOW, issues=300, patterns=patterns)


def facts(one: Organization) -> list[object]:
    return [(issue.id, issue.project_id, issue.first_seen, issue.actions) for issue in one.issues]


def test_the_same_patterns_give_the_same_organization() -> None:
    assert facts(organization("hotfix_chains")) == facts(organization("hotfix_chains"))
    assert facts(organization("hotfix_chains")) != facts(organization())


def test_an_unknown_pattern_is_refused() -> None:
    with pytest.raises(KeyError):
        organization("bad_luck")


@pytest.mark.parametrize("name", PATTERNS)
def test_a_pattern_changes_its_own_project_alone(name: str) -> None:
    created_at = DEFAULT_NOW
    healthy, planted = planted_plans(created_at, ()), planted_plans(created_at, [name])
    trains = zip(planted_trains(()), planted_trains([name]), strict=True)
    changed = {b.project.slug for a, b in zip(healthy, planted, strict=True) if a != b}
    changed |= {slug for a, b in trains if a != b for slug in b.slugs}
    assert changed == {PATTERNS[name].slug}


def test_a_bad_weekday_brings_extra_issues_with_each_of_its_releases() -> None:
    bad, good = organization("weekday_effect"), organization()
    slug = PATTERNS["weekday_effect"].slug
    project_id = next(one.id for one in bad.projects if one.slug == slug)
    fridays = [
        one
        for one in bad.releases
        if project_id in one.project_ids
        and one.created_at.weekday() == 4
        and one.created_at >= bad.start
    ]
    assert len(bad.issues) - len(good.issues) == EXTRA_ISSUES * len(fridays) > 0


def test_hotfixes_are_rare_in_a_healthy_organization() -> None:
    assert len(planted_trains(())) == len(TRAINS)
    assert all(train.hotfix_share < 0.05 for train in planted_trains(()))

"""Organization, projects, environments, releases and deploys, from the ground truth alone."""

import re
from collections import Counter
from datetime import datetime
from typing import Any

import numpy as np

from include.sandbox.organization import Deploy, Organization, Project, Release
from include.sandbox.state import issue_state, release_state
from tests.integration.truth.moments import moment

SEMANTIC = re.compile(r"(?P<package>.+)@(?P<major>\d+)\.(?P<minor>\d+)\.(?P<patch>\d+)(?:[-+].*)?")

Rows = set[tuple[Any, ...]]


def organizations(organization: Organization) -> Rows:
    """Return `organizations`: id, slug, status, date_created."""
    return {(organization.id, organization.slug, "active", organization.created_at)}


def projects(organization: Organization, at: datetime) -> Rows:
    """Return `projects` in the order of their columns; none is lost."""
    return {
        (
            project.id,
            project.slug,
            project.platform,
            project.created_at,
            _first_event(organization, project, at),
            project.is_member,
            True,
            None,
        )
        for project in organization.projects
    }


def _first_event(organization: Organization, project: Project, at: datetime) -> datetime | None:
    births = (
        issue.first_seen
        for issue in organization.issues
        if issue.project_id == project.id and issue.first_seen <= at
    )
    return min(births, default=None)


def environments(organization: Organization) -> Rows:
    """Return `environments`: id, name."""
    return {(one.id, one.name) for one in organization.environments}


def releases(organization: Organization, at: datetime) -> Rows:
    """Return `releases`, columns in the table's order; those archived by then included."""
    spans, births = _spans(organization, at), new_issues(organization, at)
    return {
        _release_row(release, at, spans, births)
        for release in organization.releases
        if release.created_at <= at
    }


def _release_row(
    release: Release,
    at: datetime,
    spans: dict[str, tuple[datetime, datetime]],
    births: Counter[tuple[str, str]],
) -> tuple[Any, ...]:
    state, parsed = release_state(release, at), SEMANTIC.fullmatch(release.version)
    numbers = (
        (None, None, None, None)
        if parsed is None
        else (parsed["package"], *(int(parsed[name]) for name in ("major", "minor", "patch")))
    )
    first, last = spans.get(release.version, (None, None))
    return (
        release.id,
        release.version,
        state.status,
        *numbers,
        release.created_at,
        None,
        state.released_at,
        first,
        last,
        sum(births[release.version, project_id] for project_id in release.project_ids),
        release.commit_count,
        len(state.deploys),
        state.deploys[-1].id if state.deploys else None,
    )


def _spans(organization: Organization, at: datetime) -> dict[str, tuple[datetime, datetime]]:
    """First and last event of each version until a moment."""
    events = organization.events
    rows = events.rows(0, at.timestamp() + 1e-6)
    codes, times = events.version_codes[rows], events.times[rows]
    spans = {}
    for code in np.unique(codes).tolist():
        mine = times[codes == code]
        spans[organization.versions[code]] = moment(int(mine[0])), moment(int(mine[-1]))
    return spans


def new_issues(organization: Organization, at: datetime) -> Counter[tuple[str, str]]:
    """Return Sentry's count of issues by version and project of their first event.

    A merged issue still counts, a deleted one does not.
    """
    births: Counter[tuple[str, str]] = Counter()
    for issue in organization.issues:
        if issue.first_seen <= at and issue_state(issue, at).existence != "deleted":
            version = organization.versions[int(issue.occurrences.version_codes[0])]
            births[version, issue.project_id] += 1
    return births


def release_projects(organization: Organization, at: datetime) -> Rows:
    """Return `release_projects`: release_id, project_id, new_groups."""
    births = new_issues(organization, at)
    return {
        (release.id, project_id, births[release.version, project_id])
        for release in organization.releases
        if release.created_at <= at
        for project_id in release.project_ids
    }


def shown_deploys(organization: Organization, at: datetime) -> dict[str, tuple[int, Deploy]]:
    """Return by id the deploys that Sentry shows: of each release the last per environment."""
    return {
        deploy.id: (release.id, deploy)
        for release in organization.releases
        if release.created_at <= at
        for deploy in {one.environment: one for one in release_state(release, at).deploys}.values()
    }

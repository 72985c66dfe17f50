"""Endpoints about releases and their deploys."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from include.sandbox import canaries, drift, words
from include.sandbox.calls import Call, Reply, optional_window, projects
from include.sandbox.errors import bad_request, not_found
from include.sandbox.paging import numbered
from include.sandbox.spoil import spoil
from include.sandbox.state import release_state
from include.sandbox.times import iso, moment, optional_iso

if TYPE_CHECKING:
    from include.sandbox.organization import Deploy, Release
    from include.sandbox.state import ReleaseState
    from include.sandbox.view import ReleaseTable, View

SEMVER = re.compile(
    r"(?P<package>.+)@(?P<raw>(?P<major>\d+)\.(?P<minor>\d+)\.(?P<patch>\d+)"
    r"(?:-(?P<pre>[0-9A-Za-z.-]+))?(?:\+(?P<build>.+))?)"
)
STATUSES = ("", "open", "archived")


def releases(view: View, call: Call) -> Reply:
    """`GET organizations/{org}/releases/`: newest first; archived ones only when asked for.

    `status=` (empty) lifts the filter. Dates filter on dateCreated. Without `project=-1` only
    releases of the user's own projects are there.
    """
    status = call.one("status")
    status = "open" if status is None else status
    if status not in STATUSES:
        raise bad_request(f"Unsupported release status filter: {status!r}")
    wanted = {project.id for project in projects(view, call)}
    span, needle = optional_window(view, call), (call.one("query") or "").casefold()
    found = [
        release
        for release in reversed(view.organization.releases)
        if release.created_at <= view.now
        and wanted.intersection(release.project_ids)
        and (not status or release_state(release, view.now).status == status)
        and (span is None or span.start <= release.created_at < span.end)
        and needle in release.version.casefold()
    ]
    rows, header = numbered(call, found)
    bodies = [release_body(view, release) for release in rows]
    if view.behaviours.unknown_words:
        spoil(bodies, words.RELEASE)
    if view.behaviours.drift:
        spoil(bodies, drift.RELEASE)
    return Reply(bodies, {"Link": header})


def deploys(view: View, call: Call) -> Reply:
    """`GET organizations/{org}/releases/{version}/deploys/`: the last one per environment.

    The version must be encoded as one path segment. Older ones exist in `deployCount` only.
    """
    release = view.organization.releases_by_version.get(call.path["version"])
    segments = call.url.removeprefix(call.origin).strip("/").split("/")
    if release is None or len(segments) != 7 or release.created_at > view.now:
        raise not_found()
    if not any(view.reach.has(project_id) for project_id in release.project_ids):
        raise not_found()
    latest = {one.environment: one for one in release_state(release, view.now).deploys}
    rows, header = numbered(call, sorted(latest.values(), key=lambda one: one.finished_at)[::-1])
    bodies = [_deploy(one) for one in rows]
    if view.behaviours.drift:
        spoil(bodies, drift.DEPLOY)
    return Reply(bodies, {"Link": header})


def release_body(view: View, release: Release) -> dict[str, object]:
    """Return a release as lists and issue details carry it, with all its authors and texts."""
    state, table = release_state(release, view.now), view.releases()
    code = view.codes[release.version]
    belonging = _projects(view, release, table, code)
    new_groups = sum(
        int(table.new_issues[place, code])
        for place, project in enumerate(view.organization.projects)
        if view.reach.has(project.id)
    )
    return {
        "id": release.id,
        "version": release.version,
        "status": state.status,
        "shortVersion": release.version,
        "versionInfo": _version_info(release.version),
        "ref": canaries.text("ref", release.id),
        "url": canaries.url("release", release.id),
        "dateReleased": optional_iso(state.released_at),
        "dateCreated": iso(release.created_at),
        "dateStarted": None,
        "data": {"note": canaries.text("release-data", release.id)},
        "newGroups": new_groups,
        "owner": canaries.user("73900085"),
        "commitCount": release.commit_count,
        "lastCommit": canaries.commit(release.id),
        "deployCount": len(state.deploys),
        "lastDeploy": _last_deploy(state),
        "authors": [canaries.user("73900096"), {"name": None, "email": canaries.email("author")}],
        "projects": belonging,
        "firstEvent": _event_time(int(table.first[code])),
        "lastEvent": _event_time(int(table.last[code])),
        "currentProjectMeta": {"note": canaries.text("project-meta")},
        "userAgent": canaries.text("user-agent"),
        "adoptionStages": None,
        "futureChangelog": canaries.future("changelog"),
    }


def _projects(
    view: View, release: Release, table: ReleaseTable, code: int
) -> list[dict[str, object]]:
    """The release's projects within reach; here the ids are numbers."""
    return [
        {
            "id": int(project.id),
            "slug": project.slug,
            "name": canaries.text("project-name", project.slug),
            "newGroups": int(table.new_issues[position, code]),
            "platform": project.platform,
            "platforms": [project.platform],
            "hasHealthData": False,
            "futureLead": canaries.text("lead", project.slug),
        }
        for position, project in enumerate(view.reach.every.values())
        if project.id in release.project_ids and view.reach.has(project.id)
    ]


def _version_info(version: str) -> dict[str, object] | None:
    """Sentry's parse of a version; None for one that is no `package@major.minor.patch`."""
    found = SEMVER.fullmatch(version)
    if found is None:
        return None
    return {
        "package": found["package"],
        "version": {
            "raw": found["raw"],
            "major": int(found["major"]),
            "minor": int(found["minor"]),
            "patch": int(found["patch"]),
            "pre": found["pre"],
            "buildCode": found["build"],
            "components": 3,
        },
        "description": found["raw"],
        "buildHash": None,
    }


def _last_deploy(state: ReleaseState) -> dict[str, object] | None:
    return _deploy(state.deploys[-1]) if state.deploys else None


def _deploy(deploy: Deploy) -> dict[str, object]:
    return {
        "id": deploy.id,
        "environment": deploy.environment,
        "dateStarted": optional_iso(deploy.started_at),
        "dateFinished": iso(deploy.finished_at),
        "name": canaries.text("deploy-name", deploy.id),
        "url": canaries.url("deploy", deploy.id),
        "futureOperator": canaries.email("operator"),
    }


def _event_time(seconds: int) -> str | None:
    return iso(moment(seconds)) if seconds else None

"""Endpoints about the organization itself: organizations, projects, environments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.sandbox import canaries, drift
from include.sandbox.calls import Call, Reply, projects
from include.sandbox.errors import bad_request, forbidden, not_found
from include.sandbox.memberships import memberships
from include.sandbox.paging import by_value, link, numbered, per_page, read_cursor
from include.sandbox.spoil import spoil
from include.sandbox.times import iso, moment

if TYPE_CHECKING:
    from include.sandbox.organization import Project, Team
    from include.sandbox.view import View

VISIBILITIES = ("all", "hidden", "visible")
NEVER_TRUE = (
    "firstTransactionEvent",
    "hasCustomMetrics",
    "hasFeedbacks",
    "hasFlags",
    "hasInsightsAgentMonitoring",
    "hasInsightsAppStart",
    "hasInsightsAssets",
    "hasInsightsCaches",
    "hasInsightsDb",
    "hasInsightsHttp",
    "hasInsightsLlmMonitoring",
    "hasInsightsMCP",
    "hasInsightsQueues",
    "hasInsightsScreenLoad",
    "hasInsightsVitals",
    "hasLogs",
    "hasMinifiedStackTrace",
    "hasMonitors",
    "hasNewFeedbacks",
    "hasProfiles",
    "hasReplays",
    "hasSessions",
    "hasTraceMetrics",
    "hasUserReports",
    "isBookmarked",
)
"""Project flags the sandbox has nothing for."""


def organizations(view: View, call: Call) -> Reply:
    """`GET organizations/`: those of the token's user, or the one that the token is for.

    A region lists its own only; a control silo those of every region.
    """
    here = view.behaviours
    is_elsewhere = here.moved_to is not None and not here.is_control_silo
    listed = [
        one
        for one in memberships(view)
        if call.only_organization in {None, one.organization.id}
        if one is not view or not is_elsewhere
    ]
    created_ms = int(view.organization.created_at.timestamp() * 1000)
    page = by_value([created_ms] * len(listed), read_cursor(call), per_page(call))
    rows = [_summary(one, call) for one in listed[page.low : page.high]]
    return Reply(rows, {"Link": link(call, page)})


def organization(view: View, call: Call) -> Reply:
    """`GET organizations/{org}/`; without `detailed=0` it drags projects and teams along."""
    body = _summary(view, call) | {
        "role": "member",
        "defaultRole": "member",
        "openMembership": True,
        "relayPiiConfig": canaries.text("relay-pii-config"),
        "trustedRelays": [{"name": canaries.text("relay"), "publicKey": canaries.text("key")}],
        "sensitiveFields": [canaries.text("sensitive-field")],
        "onboardingTasks": [],
    }
    if call.one("detailed") != "0":
        body["teams"] = [_team(team) for team in view.organization.teams]
        body["projects"] = [_project(view, project) for project in view.reach.listed]
    return Reply(body)


def project_list(view: View, call: Call) -> Reply:
    """`GET organizations/{org}/projects/`: all accessible ones; `isMember` marks ours."""
    every = sorted(view.reach.listed, key=lambda project: project.slug)
    rows, header = numbered(call, every)
    return Reply([_project(view, project) for project in rows], {"Link": header})


def project_detail(view: View, call: Call) -> Reply:
    """`GET projects/{org}/{project}/`: full of settings and secrets; nobody needs to call it.

    The former slug of a renamed project leads to its new one (Sentry's bases/project.py).
    """
    name = call.path["project"]
    renamed = view.reach.former_slugs.get(name)
    if name in view.reach.by_name:
        return Reply(_project(view, view.reach.by_name[name]) | _secrets(name))
    if renamed is not None:
        address = f"/api/0/projects/{call.path['org']}/{renamed.slug}/"
        extra = {"url": address, "slug": renamed.slug}
        body = {"slug": renamed.slug, "detail": {"extra": extra}}
        return Reply(body, {"Location": address}, status=302)
    raise forbidden() if name in view.reach.withheld else not_found()


def _secrets(name: str) -> dict[str, object]:
    return {
        "securityToken": canaries.text("project-token", name),
        "securityTokenHeader": canaries.text("token-header", name),
        "subjectTemplate": canaries.text("subject", name),
        "relayPiiConfig": canaries.text("relay-pii-config", name),
        "groupingEnhancements": canaries.text("grouping", name),
        "fingerprintingRules": canaries.text("fingerprinting", name),
        "allowedDomains": [canaries.url("domain", name)],
        "sensitiveFields": [canaries.text("sensitive-field", name)],
    }


def environments(view: View, call: Call) -> Reply:
    """`GET organizations/{org}/environments/`: visible ones by default, no Link."""
    visibility = call.one("visibility") or "visible"
    if visibility not in VISIBILITIES:
        raise bad_request(f"Invalid value for 'visibility', valid values are: {VISIBILITIES}")
    projects(view, call)
    rows: list[dict[str, object]] = [
        {"id": one.id, "name": one.name, "futureOwner": canaries.future("environment")}
        for one in view.organization.environments
        if visibility == "all" or one.is_hidden == (visibility == "hidden")
    ]
    if view.behaviours.drift:
        spoil(rows, drift.ENVIRONMENT)
    return Reply(rows)


_LATEST_DEPLOY = {
    "version": canaries.text("latest-deploy"),
    "dateFinished": canaries.JOINED,
    "url": canaries.url("deploy", "latest"),
}


def _summary(view: View, call: Call) -> dict[str, object]:
    mine = view.organization
    return {
        "id": mine.id,
        "slug": view.slug,
        "status": {"id": "active", "name": "active"},
        "name": canaries.text("organization-name"),
        "dateCreated": iso(mine.created_at),
        "isEarlyAdopter": False,
        "require2FA": False,
        "requireEmailVerification": False,
        "avatar": canaries.avatar("organization"),
        "links": {
            "organizationUrl": canaries.url("organization", mine.id),
            "regionUrl": view.behaviours.moved_to or call.origin,
        },
        "hasAuthProvider": False,
        "allowMemberInvite": True,
        "allowMemberProjectCreation": True,
        "allowSuperuserAccess": False,
        "features": [canaries.text("feature")],
        "extraOptions": {"traces": {"note": canaries.text("extra-option")}},
        "access": ["event:read", "org:read", "project:read"],
        "billingContact": canaries.future("billing") | {"email": canaries.email("billing")},
    }


def _team(team: Team) -> dict[str, object]:
    return {"id": team.id, "slug": team.slug, "name": canaries.text("team-name", team.slug)}


def _project(view: View, project: Project) -> dict[str, object]:
    mine = view.organization
    teams = [_team(team) for team in mine.teams if team.id in project.team_ids]
    has_access = view.reach.has(project.id)
    body: dict[str, object] = dict.fromkeys(NEVER_TRUE, False) | {
        "id": project.id,
        "slug": project.slug,
        "name": canaries.text("project-name", project.slug),
        "platform": project.platform,
        "platforms": [project.platform.split("-", maxsplit=1)[0]],
        "dateCreated": iso(project.created_at),
        "isMember": project.is_member and has_access,
        "hasAccess": has_access,
        "features": [canaries.text("project-feature")],
        "firstEvent": _first_event(view, project),
        "access": ["event:read", "project:read"],
        "eventProcessing": {"symbolicationDegraded": False},
        "team": teams[0],
        "teams": teams,
        "environments": [one.name for one in mine.environments if not one.is_hidden],
        "latestRelease": _latest_release(view, project),
        "latestDeploys": {"production": _LATEST_DEPLOY, "staging": _LATEST_DEPLOY},
        "options": {
            "sentry:token": canaries.text("security-token"),
            "mail:subject_prefix": canaries.text("subject-prefix"),
        },
        "avatar": canaries.avatar(project.slug),
        "futureInsights": canaries.future("project"),
    }
    if view.behaviours.drift:
        spoil([body], drift.PROJECT)
    return body


def _first_event(view: View, project: Project) -> str | None:
    """The time of the project's first issue; None for a project without any."""
    for issue in view.organization.issues:
        if issue.first_seen > view.now:
            break
        if issue.project_id == project.id:
            return iso(moment(issue.first_seen.timestamp()))
    return None


def _latest_release(view: View, project: Project) -> dict[str, object] | None:
    for release in reversed(view.organization.releases):
        if project.id in release.project_ids and release.created_at <= view.now:
            return {"version": release.version}
    return None

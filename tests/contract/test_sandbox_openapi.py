"""The sandbox answers in the shapes of Sentry's OpenAPI description and of a recorded Sentry.

Both are read from the folder `shared/sentry-api` beside the checkout; nothing of it is in the
repository. Where the sandbox differs, the difference and its reason are listed here.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import pytest
from openapi_schema_validator import OAS30Validator, oas30_format_checker

from include.sandbox.generate import DEFAULT_NOW, generate
from include.sandbox.server import running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FACTS = Path(__file__).parents[3] / "shared" / "sentry-api"
ROOT = "/api/0/organizations/"
ORGANIZATION = ROOT + "{organization_id_or_slug}/"
ERROR_STATS = "field=sum(quantity)&category=error&project=-1"
COLLAPSED = "collapse=stats&collapse=lifetime&collapse=filtered&collapse=unhandled"

pytestmark = pytest.mark.skipif(
    not FACTS.is_dir(), reason=f"Sentry's description is not beside the checkout: {FACTS}"
)

NULLED = "Sentry sends null for the conditions a snooze does not have; the description forgets it"
DRIFT = "the shape changed over time and the description lags; every seventh issue has the other"
EXCEPTIONS = {
    ("issues", "annotations.*"): DRIFT,
    ("issues", "owners"): DRIFT,
    ("issue", "annotations.*"): DRIFT,
    ("issue", "owners"): DRIFT,
    ("issues", "statusDetails.inCommit"): "a commit object in reality (models/group.py)",
    ("issue", "statusDetails.inCommit"): "a commit object in reality (models/group.py)",
    **{
        (name, f"statusDetails.{key}"): NULLED
        for name in ("issues", "issue")
        for key in (
            "ignoreCount",
            "ignoreUntil",
            "ignoreUserCount",
            "ignoreUserWindow",
            "ignoreWindow",
        )
    },
}
"""Where answers differ from the description, by endpoint and path below a row, and why."""

SETTINGS = """
    experiments quota isDefault availableRoles orgRoleList teamRoleList allowSharedIssues
    enhancedPrivacy dataScrubber dataScrubberDefaults safeFields storeCrashReports attachmentsRole
    debugFilesRole eventsMemberAdmin alertsMemberWrite scrubIPAddresses scrapeJavaScript
    allowJoinRequests codecovAccess aiSuggestedSolution githubPRBot githubOpenPRBot
    githubNudgeInvite genAIConsent aggregatedDataConsent issueAlertsThreadFlag
    metricAlertsThreadFlag metricsActivatePercentiles metricsActivateLastForGauges orgRole
    requiresSso pendingAccessRequests isDynamicallySampled
"""
TEAM = "dateCreated isMember teamRole flags access hasAccess isPending memberCount avatar"
MISSING = {
    "organizations": {"*.extraOptions.traces": "a switch nobody reads"},
    "organization": {
        "onboardingTasks": "an empty list",
        **dict.fromkeys(SETTINGS.split(), "a setting that the description does not have either"),
        **{
            f"teams.*.{key}": "only there without detailed=0, which a connector always sends"
            for key in TEAM.split()
        },
    },
    "org_issues_group_bulk": {
        "*.isUnhandled": "24.9 keeps it in spite of collapse=unhandled; newer versions do not"
    },
    "org_issue_activities": {"activity.*.data": "depends on the type, see the test of types"},
    "issue_org": {
        "activity.*.data": "depends on the type, see the test of types",
        "firstRelease.versionInfo": "null for the version of this issue",
        "lastRelease.versionInfo": "null for the version of this issue",
    },
}
"""What a recorded answer has and the sandbox has not, by recording and path, and why."""


class Sandbox:
    """A client of a running sandbox, and the things of it that addresses need."""

    def __init__(self, client: httpx.Client, organization: Any) -> None:
        self.client = client
        self.organization = organization
        self.root = f"{organization.id}/"
        deployed = next(r for r in organization.releases if len(r.deploys) > 2 and "/" in r.version)
        self.version = quote(deployed.version, safe="")
        self.issues = self.get(f"{self.root}issues/?project=-1&query=&limit=100")
        self.told = next(
            row["id"] for row in self.issues if row["assignedTo"] and row["numComments"]
        )
        self.groups = "&".join(f"group={row['id']}" for row in self.issues)

    def get(self, path: str) -> Any:
        response = self.client.get(path)
        assert response.status_code == 200, response.text
        return response.json()


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    organization = generate(seed=3, now=DEFAULT_NOW, issues=400)
    with running(organization) as server:
        headers = {"Authorization": f"Bearer {server.token}"}
        with httpx.Client(base_url=server.base_url + ROOT, headers=headers) as client:
            yield Sandbox(client, organization)


@pytest.fixture(scope="module")
def description() -> Any:
    return json.loads((FACTS / "openapi.json").read_bytes())


EVERYTHING = "&".join(
    f"expand={name}"
    for name in (
        "inbox",
        "integrationIssues",
        "latestEventHasAttachments",
        "owners",
        "sentryAppIssues",
        "sessions",
    )
)
DESCRIBED: dict[str, tuple[str, Callable[[Sandbox], list[str]]]] = {
    "organizations": (ROOT, lambda _: [""]),
    "organization": (ORGANIZATION, lambda s: [s.root, f"{s.root}?detailed=0"]),
    "projects": (ORGANIZATION + "projects/", lambda s: [f"{s.root}projects/"]),
    "environments": (
        ORGANIZATION + "environments/",
        lambda s: [f"{s.root}environments/?visibility=all"],
    ),
    "releases": (
        ORGANIZATION + "releases/",
        lambda s: [
            f"{s.root}releases/?project=-1&status=&cursor=100:{page}:0" for page in range(4)
        ],
    ),
    "deploys": (
        ORGANIZATION + "releases/{version}/deploys/",
        lambda s: [f"{s.root}releases/{s.version}/deploys/"],
    ),
    "issues": (
        ORGANIZATION + "issues/",
        lambda s: [
            f"{s.root}issues/?project=-1&query=&limit=100&{EVERYTHING}",
            f"{s.root}issues/?project=-1&query=is:resolved&limit=100&{EVERYTHING}",
            f"{s.root}issues/?project=-1&query=is:archived&limit=100&{EVERYTHING}",
        ],
    ),
    "issue": (
        ORGANIZATION + "issues/{issue_id}/",
        lambda s: [f"{s.root}issues/{row['id']}/?{EVERYTHING}" for row in s.issues[:25]],
    ),
    "stats_v2": (
        ORGANIZATION + "stats_v2/",
        lambda s: [
            f"{s.root}stats_v2/?{ERROR_STATS}&groupBy=outcome&interval=1h&statsPeriod=2d",
            f"{s.root}stats_v2/?{ERROR_STATS}&groupBy=outcome&groupBy=reason&interval=1d",
        ],
    ),
    "events": (
        ORGANIZATION + "events/",
        lambda s: [
            f"{s.root}events/?dataset=errors&project=-1&field=release&field=count()",
            f"{s.root}events/?dataset=errors&project=-1&field=title",
        ],
    ),
}


@pytest.mark.parametrize("name", DESCRIBED)
def test_answers_are_valid_by_the_description(sandbox, description, name):
    path, addresses = DESCRIBED[name]
    success = description["paths"][path]["get"]["responses"]["200"]
    validator = OAS30Validator(
        success["content"]["application/json"]["schema"], format_checker=oas30_format_checker
    )
    for address in addresses(sandbox):
        for error in validator.iter_errors(sandbox.get(address)):
            place = ".".join("*" if isinstance(part, int) else part for part in error.absolute_path)
            assert (name, place.removeprefix("*.")) in EXCEPTIONS, (place, error.message)


RECORDED: dict[str, Callable[[Sandbox], str]] = {
    "organizations": lambda _: "",
    "organization": lambda s: s.root,
    "org_projects": lambda s: f"{s.root}projects/",
    "org_env": lambda s: f"{s.root}environments/",
    "releases": lambda s: f"{s.root}releases/?project=-1",
    "deploys": lambda s: f"{s.root}releases/{s.version}/deploys/?per_page=2",
    "org_issues": lambda s: f"{s.root}issues/?query=&project=-1",
    "org_issues_sort_new": lambda s: f"{s.root}issues/?query=&sort=new&project=-1",
    "org_issues_range": lambda s: (
        f"{s.root}issues/?query=&start=2026-10-05T00:00:00&end=2026-10-20T00:00:00"
    ),
    "org_issues_group_bulk": lambda s: (
        f"{s.root}issues/?project=-1&{s.groups}&{COLLAPSED}&groupStatsPeriod="
    ),
    "issue_org": lambda s: f"{s.root}issues/{s.told}/",
    "org_issue_activities": lambda s: f"{s.root}issues/{s.told}/activities/",
    "stats_v2": lambda s: (
        f"{s.root}stats_v2/?statsPeriod=7d&interval=1d&groupBy=outcome&groupBy=category"
        "&field=sum(quantity)"
    ),
    "stats_v2_hour": lambda s: f"{s.root}stats_v2/?statsPeriod=1d&groupBy=outcome&{ERROR_STATS}",
    "stats_v2_proj": lambda s: (
        f"{s.root}stats_v2/?statsPeriod=30d&interval=1d&groupBy=project&groupBy=outcome"
        f"&groupBy=category&groupBy=reason&{ERROR_STATS}"
    ),
    "events_aggregate": lambda s: (
        f"{s.root}events/?dataset=errors&project=-1&field=issue.id&field=release"
        "&field=project.id&field=count()&per_page=100&statsPeriod=90d"
    ),
    "events_aggregate_release": lambda s: (
        f"{s.root}events/?dataset=errors&project=-1&field=release&field=project.id&field=count()"
    ),
}


def recording(name: str) -> Any:
    return json.loads((FACTS / "recorded-24.9" / f"{name}.json").read_bytes())


def json_type(value: object) -> str:
    if value is None or isinstance(value, bool):
        return "null" if value is None else "boolean"
    if isinstance(value, int | float):
        return "number"
    return {str: "string", list: "array", dict: "object"}[type(value)]


def shape(value: object, path: str = "", found: dict[str, set[str]] | None = None) -> Any:
    """Return the JSON types met at each path; list positions are `*`."""
    found = {} if found is None else found
    found.setdefault(path, set()).add(json_type(value))
    inner = value.items() if isinstance(value, dict) else []
    inner = [("*", one) for one in value] if isinstance(value, list) else inner
    for key, one in inner:
        shape(one, f"{path}.{key}".lstrip("."), found)
    return found


@pytest.mark.parametrize("name", RECORDED)
def test_answers_have_all_that_a_recorded_sentry_sent(sandbox, name):
    theirs = shape(recording(name)["body"])
    ours = shape(sandbox.get(RECORDED[name](sandbox)))
    excused = tuple(MISSING.get(name, {}))

    for path, types in theirs.items():
        if any(path == one or path.startswith(f"{one}.") for one in excused):
            continue
        assert path in ours, path
        # What was only ever null in a recording or here has no type to compare.
        known, mine = types - {"null"}, ours[path] - {"null"}
        assert not known or not mine or known & mine, (path, types, ours[path])


def test_each_recorded_type_of_activity_has_the_same_data(sandbox):
    ours: dict[str, Any] = {}
    for issue in sandbox.organization.issues:
        response = sandbox.client.get(f"{sandbox.root}issues/{issue.id}/activities/")
        if response.status_code == 200:
            ours |= {item["type"]: item["data"] for item in response.json()["activity"]}
    recorded = [
        item
        for name in ("org_issue_activities", "org_issue_activities_assigned", "issue_org")
        for item in recording(name)["body"]["activity"]
    ]

    assert recorded
    for theirs in recorded:
        mine = shape(ours[theirs["type"]])
        for path, types in shape(theirs["data"]).items():
            assert mine[path] == types, (theirs["type"], path)


@pytest.mark.parametrize("name", RECORDED)
def test_the_same_answers_carry_a_link_and_hits(sandbox, name):
    headers = sandbox.client.get(RECORDED[name](sandbox)).headers
    recorded = recording(name)["headers"]

    for header in ("Link", "X-Hits", "X-Max-Hits"):
        assert (header in headers) == (header in recorded), header


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("e400_cursor", "{org}projects/?cursor=bogus"),
        ("e400_perpage", "{org}projects/?per_page=1000"),
        ("e404_issue", "{org}issues/99999999/"),
        ("e404_org", "nope/projects/"),
        (
            "stats_v2_bad",
            "{org}stats_v2/?statsPeriod=bogus&field=sum(quantity)&groupBy=outcome&category=error",
        ),
    ],
)
def test_refusals_have_the_recorded_status_and_words(sandbox, name, path):
    response = sandbox.client.get(path.format(org=sandbox.root))
    expected = recording(name)

    assert (response.status_code, response.json()) == (expected["status"], expected["body"])


@pytest.mark.parametrize(
    ("name", "headers"), [("e401_bad", {"Authorization": "Bearer bad"}), ("e401_none", {})]
)
def test_unauthenticated_requests_have_the_recorded_answer(sandbox, name, headers):
    response = httpx.get(sandbox.client.base_url, headers=headers)
    expected = recording(name)

    assert (response.status_code, response.json()) == (expected["status"], expected["body"])

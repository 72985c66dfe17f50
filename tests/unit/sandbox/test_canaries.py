"""Every field that must never be collected is poisoned, in every response."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from include.sandbox.canaries import CANARY
from include.sandbox.state import issue_state

if TYPE_CHECKING:
    from collections.abc import Iterator

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"
ALLOWED_TEXT = re.compile(
    rf"""({TIME}|\d+|                                     # times, ids, counts
    |https?://127\.0\.0\.1:\d+                            # our own address
    |active|admin|member|upload|unknown|in-app-only       # Sentry's words
    |user|team|suspectCommit|tracker|suspectCommitter|codeowners|projectOwnership
    |user:\d+|errors|unchanged|integer|string|issues|none|recommended
    |(event|org|project):read|seer|jira|github|linear|\w+Path
    |[a-z]+_?[a-z_]*|[a-z]+(-[a-z]+)*                     # enums and slugs
    |[A-Z-]+-[0-9A-Z]+                                    # short ids
    |count\(\w*\)|outcome|load\ test)""",
    re.VERBOSE,
)

ALWAYS_POISONED = {
    "issue": (
        "title culprit permalink logger shareId metadata.value metadata.type metadata.filename "
        "metadata.function subscriptionDetails.reason project.name"
    ),
    "user": "name username email avatarUrl avatar.avatarUrl",
    "release": "ref url userAgent owner.email lastCommit.message lastCommit.author.email",
    "deploy": "name url",
}


def leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, f"{path}[]")
    else:
        yield path, value


def at(body: dict, path: str) -> object:
    for key in path.split("."):
        body = body[key]
    return body


def assert_poisoned(body: dict, kind: str) -> None:
    for path in ALWAYS_POISONED[kind].split():
        assert CANARY in str(at(body, path)), (kind, path, at(body, path))


@pytest.fixture(scope="module")
def bodies(api) -> dict[str, object]:
    """One response of every endpoint, with all that can be expanded."""
    now = api.organization.now
    expand = ["inbox", "owners", "integrationIssues", "sentryAppIssues", "sessions"]
    issues = [i for p in api.pages("issues/", project=-1, query="", expand=expand) for i in p]
    release = next(r for r in api.organization.releases if len(r.deploys) == 4)
    kinds = {}
    for issue in api.organization.issues:
        if issue.first_seen <= now and issue_state(issue, now).existence == "present":
            for item in api.rows(f"issues/{issue.id}/activities/")["activity"]:
                kinds.setdefault(item["type"], item)
    stats = {"field": "sum(quantity)", "category": "error", "groupBy": ["outcome", "reason"]}
    return {
        "organizations": api.client.get("").json(),
        "organization": api.rows(""),
        "projects": api.rows("projects/"),
        "project": api.client.get(
            f"{api.sandbox.base_url}/api/0/projects/{api.organization.id}/shop-web/"
        ).json(),
        "environments": api.rows("environments/"),
        "issues": issues,
        "bulk": api.rows("issues/", project=-1, group=[row["id"] for row in issues[:50]]),
        "details": [api.rows(f"issues/{row['id']}/", expand=expand) for row in issues[:15]],
        "activities": list(kinds.values()),
        "releases": [r for p in api.pages("releases/", project=-1, status="") for r in p],
        "deploys": api.rows(f"releases/{quote(release.version, safe='')}/deploys/"),
        "stats": api.rows("stats_v2/", project=-1, statsPeriod="90d", interval="1d", **stats),
        "events": api.rows("events/", dataset="errors", field=["release", "count()"]),
        "raw": api.rows("events/", dataset="errors", field=["title", "user.email", "message"]),
        "series": api.rows("issues-timeseries/", yAxis="count(new_issues)"),
        "periods": api.rows("open-periods/", groupId=issues[0]["id"], statsPeriod="1000d"),
    }


def test_every_text_is_a_canary_or_a_word_that_may_be_collected(api, bodies):
    versions = set(api.organization.versions)
    labels = {part for v in versions for part in (v, v.split("@")[-1], v.rsplit("@", 1)[0])}
    labels |= {code for v in versions for code in v.split("+")[1:]}
    for name, body in bodies.items():
        for path, value in leaves(body):
            if not isinstance(value, str) or CANARY in value or value in labels:
                continue
            assert ALLOWED_TEXT.fullmatch(value), (name, path, value)


def test_every_response_has_a_canary(bodies):
    for name, body in bodies.items():
        assert CANARY in str(body), name


@pytest.mark.parametrize("name", ["issues", "bulk", "details"])
def test_issues_are_poisoned(bodies, name):
    for row in bodies[name]:
        assert_poisoned(row, "issue")
        assert CANARY in str(row["annotations"])
        assert CANARY in str(row["futureSummary"]["inner"]["deeper"]["deepest"])
        if row["assignedTo"]:
            assert CANARY in row["assignedTo"]["name"]
            assert re.fullmatch(r"\d{7,}", row["assignedTo"]["id"])
        if "actor" in row["statusDetails"]:
            assert_poisoned(row["statusDetails"]["actor"], "user")
        if "inCommit" in row["statusDetails"]:
            assert CANARY in row["statusDetails"]["inCommit"]["message"]


def test_somewhere_every_hidden_place_of_an_issue_is_filled(bodies):
    rows = bodies["issues"]

    assert any("actor" in row["statusDetails"] for row in rows)
    assert any("inCommit" in row["statusDetails"] for row in rows)
    assert {type(row["annotations"][0]) for row in rows} == {str, dict}
    assert {type(row["owners"]) for row in rows} == {list, dict}
    assert {row["assignedTo"]["type"] for row in rows if row["assignedTo"]} == {"user", "team"}
    assert all(CANARY in str(row["integrationIssues"]) for row in rows)


def test_details_are_poisoned_in_what_only_they_have(bodies):
    for row in bodies["details"]:
        for key in ("tags", "seenBy", "participants"):
            assert CANARY in str(row[key])
        if row["firstRelease"]:
            assert_poisoned(row["firstRelease"], "release")


POISONED_DATA = {
    "note": ("text",),
    "assigned": ("assigneeName",),
    "set_resolved_in_commit": ("commit",),
    "referenced_in_commit": ("commit",),
    "set_resolved_in_pull_request": ("pullRequest",),
    "create_issue": ("title", "location", "label"),
    "set_regression": ("event_id",),
    "set_escalating": ("event_id",),
    "merge": ("issues",),
    "unmerge_source": ("destination", "fingerprints"),
    "unmerge_destination": ("source", "fingerprints"),
    "trigger_autofix": ("summary", "root_cause", "solution", "changes"),
    "seer_rca_completed": ("summary", "root_cause", "solution", "changes", "pull_requests"),
}


def test_activities_are_poisoned(bodies):
    by_type = {item["type"]: item for item in bodies["activities"]}

    assert by_type.keys() >= POISONED_DATA.keys()
    for kind, item in by_type.items():
        if item["user"] is not None:
            assert_poisoned(item["user"], "user")
            assert re.fullmatch(r"7390\d{4}", item["user"]["id"])
        for key in POISONED_DATA.get(kind, ()):
            assert CANARY in str(item["data"][key]), (kind, key)
        if kind.startswith("seer_"):
            assert CANARY in item["sentry_app"]["name"]


def test_an_assignment_by_rule_shows_the_rule(api):
    now = api.organization.now
    ruled = next(
        issue
        for issue in api.organization.issues
        if issue_state(issue, now).existence == "present"
        if any(a.data.get("integration") and a.at < now for a in issue.actions)
    )
    feed = api.rows(f"issues/{ruled.id}/activities/")["activity"]
    item = next(item for item in feed if "integration" in item["data"])

    assert CANARY in item["data"]["rule"]
    assert CANARY in item["data"]["assigneeEmail"]


def test_releases_and_deploys_are_poisoned(bodies):
    for row in bodies["releases"]:
        assert_poisoned(row, "release")
        assert CANARY in str(row["data"])
        assert CANARY in str(row["currentProjectMeta"])
        assert all(CANARY in author["email"] for author in row["authors"])
        assert all(CANARY in project["name"] for project in row["projects"])
        if row["lastDeploy"]:
            assert_poisoned(row["lastDeploy"], "deploy")
    for row in bodies["deploys"]:
        assert_poisoned(row, "deploy")


def test_organization_and_projects_are_poisoned(bodies):
    for row in (*bodies["organizations"], bodies["organization"]):
        assert CANARY in row["name"]
        assert CANARY in row["avatar"]["avatarUrl"]
        assert CANARY in str(row["features"])
    for row in bodies["projects"]:
        assert CANARY in row["name"]
        assert all(CANARY in text for text in row["options"].values())
        assert all(CANARY in team["name"] for team in row["teams"])


def test_settings_of_a_project_are_poisoned(bodies):
    secret = ("securityToken", "subjectTemplate", "relayPiiConfig", "groupingEnhancements")

    assert all(CANARY in bodies["project"][key] for key in secret)


def test_statistics_and_raw_events_are_poisoned(bodies):
    reasons = {g["by"]["outcome"]: g["by"]["reason"] for g in bodies["stats"]["groups"]}

    assert reasons.pop("accepted") == ""
    assert all(CANARY in reason for reason in reasons.values())
    for row in bodies["raw"]["data"]:
        assert all(CANARY in str(row[k]) for k in ("title", "user.email", "message", "id"))


def test_allowed_labels_are_no_canaries(api):
    mine = api.organization
    labels = [*mine.versions, mine.slug, *(p.slug for p in mine.projects)]
    labels += [one.name for one in mine.environments] + [team.slug for team in mine.teams]

    assert not any(CANARY in label for label in labels)

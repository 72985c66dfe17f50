"""What the installing user can reach, what things are called, and where the organization lives."""

from __future__ import annotations

import httpx
import pytest

from include.sandbox.behaviours import Behaviours
from include.sandbox.canaries import CANARY
from include.sandbox.server import running
from include.sandbox.tallies import volume

STATS = {"field": "sum(quantity)", "groupBy": "outcome", "category": "error"}
DAYS = {"interval": "1d", "statsPeriod": "30d"}
EVENTS = {"dataset": "errors", "field": ["project.id", "count()"]}
AXIS = {"yAxis": "count(new_issues)"}


@pytest.fixture(scope="module")
def billing(api):
    return next(project for project in api.organization.projects if project.slug == "billing")


def new_issues(api, **params):
    body = api.rows("issues-timeseries/", interval="1d", statsPeriod="90d", **AXIS, **params)
    return sum(value["value"] for value in body["timeSeries"][0]["values"])


@pytest.mark.parametrize("switch", ["hidden_projects", "has_access_false", "deleted_projects"])
def test_a_project_out_of_reach_is_missing_everywhere(api, billing, switch):
    issue = next(row for row in api.search(project=billing.id))
    alone = new_issues(api, project=billing.id)
    everything = new_issues(api, project=-1)
    others = [p.id for p in api.organization.projects if p.id != billing.id]
    with api.sandbox.behaviours.during(**{switch: [billing.id]}):
        found = {row["project"]["id"] for row in api.search()}
        assert api.rows("issues/", project=-1, group=issue["id"]) == []
        counted = api.rows("events/", project=-1, **EVENTS)["data"]
        stats = api.rows("stats_v2/", project=-1, **DAYS, **STATS)["groups"]
        versions = [row for page in api.pages("releases/", project=-1, status="") for row in page]
        assert new_issues(api, project=-1) == everything - alone

    assert billing.id not in found
    assert len(found) == len({row["project"]["id"] for row in api.search()}) - 1
    assert int(billing.id) not in {row["project.id"] for row in counted}
    total = volume(api.organization, others, "accepted", api.organization.now)
    accepted = next(group for group in stats if group["by"]["outcome"] == "accepted")
    assert accepted["series"]["sum(quantity)"][-3] == total[-34 - 24 : -34].sum()
    assert versions
    assert not any(row["version"].startswith("billing@") for row in versions)


@pytest.mark.parametrize("switch", ["hidden_projects", "has_access_false", "deleted_projects"])
@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("issues/", {"query": ""}),
        ("issues/", {"group": "1"}),
        ("releases/", {}),
        ("environments/", {}),
        ("stats_v2/", STATS),
        ("events/", EVENTS),
        ("issues-timeseries/", AXIS),
    ],
)
def test_its_id_fails_the_whole_call(api, billing, switch, path, params):
    several = [api.organization.projects[0].id, billing.id]
    assert api.get(path, project=several, **params).status_code == 200
    with api.sandbox.behaviours.during(**{switch: [billing.id]}):
        assert api.get(path, project=several, **params).status_code == 403


def test_issues_of_a_hidden_project_are_forbidden_and_of_a_deleted_one_gone(api, billing):
    issue = api.search(project=billing.id)[0]["id"]
    paths = (f"issues/{issue}/", f"issues/{issue}/activities/", f"open-periods/?groupId={issue}")
    root = f"{api.organization.id}/"
    for switch, status in (("hidden_projects", 403), ("deleted_projects", 404)):
        with api.sandbox.behaviours.during(**{switch: [billing.id]}):
            assert [api.client.get(root + path).status_code for path in paths] == [status] * 3


def test_the_projects_list_shows_what_exists_without_access_but_not_what_is_hidden(api, billing):
    def listed():
        rows = {row["id"]: row for row in api.rows("projects/")}
        in_detail = {row["id"] for row in api.rows("")["projects"]}
        assert in_detail == set(rows)
        return rows

    assert listed()[billing.id]["hasAccess"] is True
    with api.sandbox.behaviours.during(has_access_false=[billing.id]):
        row = listed()[billing.id]
        assert (row["hasAccess"], row["isMember"]) == (False, False)
    for switch in ("hidden_projects", "deleted_projects"):
        with api.sandbox.behaviours.during(**{switch: [billing.id]}):
            assert billing.id not in listed()


def test_a_shared_release_names_the_projects_within_reach_only(api):
    worker = next(p for p in api.organization.projects if p.slug == "shop-worker")
    shared = next(r for r in api.rows("releases/", project=-1) if len(r["projects"]) == 2)
    with api.sandbox.behaviours.during(hidden_projects=[worker.id]):
        rows = {row["id"]: row for row in api.rows("releases/", project=-1)}

    assert [project["slug"] for project in rows[shared["id"]]["projects"]] == ["shop-api"]
    left = next(p["newGroups"] for p in shared["projects"] if p["slug"] == "shop-api")
    assert rows[shared["id"]]["newGroups"] == left


def test_deploys_of_a_release_out_of_reach_are_404(api, billing):
    version = next(r.version for r in api.organization.releases if "billing@" in r.version)
    path = f"releases/{version.replace('/', '%2F').replace('+', '%2B')}/deploys/"
    assert api.get(path).status_code == 200
    with api.sandbox.behaviours.during(hidden_projects=[billing.id]):
        assert api.get(path).status_code == 404


def test_a_renamed_organization_answers_to_its_id_and_new_slug_only(api):
    old, new = api.organization.slug, "lumen-group"
    with api.sandbox.behaviours.during(organization_slug=new):
        assert api.client.get(f"{old}/issues/").status_code == 404
        assert api.client.get(f"{new}/issues/").status_code == 200
        assert api.rows("", detailed=0)["slug"] == new
        assert api.client.get("").json()[0]["slug"] == new
    assert api.client.get(f"{new}/").status_code == 404


def test_a_renamed_project_has_its_new_slug_everywhere_but_in_short_ids(api, billing):
    short_ids = {row["shortId"] for row in api.search(project=billing.id)}
    with api.sandbox.behaviours.during(project_slugs={billing.id: "payments-core"}):
        rows = api.search(project="payments-core")
        slugs = {row["id"]: row["slug"] for row in api.rows("projects/")}
        released = {
            project["slug"]
            for row in api.rows("releases/", project=billing.id)
            for project in row["projects"]
        }
        assert api.get("issues/", project="billing").status_code == 400

    assert {row["project"]["slug"] for row in rows} == {"payments-core"} == released
    assert {row["shortId"] for row in rows} == short_ids
    assert slugs[billing.id] == "payments-core"


def test_the_former_slug_of_a_project_redirects_to_the_new_one(api, billing):
    def get(name):
        url = f"{api.sandbox.base_url}/api/0/projects/{api.organization.slug}/{name}/"
        return api.client.get(url, follow_redirects=False)

    assert CANARY in get("billing").json()["securityToken"]
    with api.sandbox.behaviours.during(project_slugs={billing.id: "payments-core"}):
        moved = get("billing")
        assert moved.status_code == 302
        assert moved.headers["Location"].endswith("/payments-core/")
        assert moved.json()["slug"] == "payments-core"
        assert moved.json()["detail"]["extra"]["slug"] == "payments-core"
        assert get("payments-core").status_code == get(billing.id).status_code == 200
    assert get("payments-core").status_code == 404


ORG_PATHS = ("projects/", "issues/", "releases/", "issues/1/", "events/", "stats_v2/")


def test_a_control_silo_knows_where_a_moved_organization_lives(api):
    elsewhere = "https://de.sentry.example"
    with api.sandbox.behaviours.during(moved_to=elsewhere):
        assert api.client.get("").json()[0]["links"]["regionUrl"] == elsewhere
        for name in (api.organization.id, api.organization.slug):
            detail = api.client.get(f"{name}/?detailed=0")
            assert detail.json()["links"]["regionUrl"] == elsewhere
        for path in ORG_PATHS:
            refused = api.get(path)
            assert (refused.status_code, refused.json()) == (
                404,
                {"detail": "The requested resource does not exist"},
            )


def test_a_wrong_region_knows_nothing(api):
    with api.sandbox.behaviours.during(moved_to="https://de.sentry.io", is_control_silo=False):
        assert api.client.get("").json() == []
        assert {api.get(path).status_code for path in ("", *ORG_PATHS)} == {404}
        token = httpx.post(f"{api.sandbox.base_url}/oauth/token/")
        assert token.status_code == 404


def test_a_region_takes_the_tokens_of_its_control_silo(organization):
    with (
        running(organization) as control,
        running(organization, tokens=control.tokens) as region,
    ):
        control.behaviours.set(moved_to=region.base_url)
        headers = {"Authorization": f"Bearer {control.token}"}
        listed = httpx.get(f"{control.base_url}/api/0/organizations/", headers=headers).json()[0]
        url = f"{listed['links']['regionUrl']}/api/0/organizations/{listed['id']}/issues/"
        assert httpx.get(url, headers=headers).status_code == 200


@pytest.mark.parametrize("code", ["sso-required", "member-disabled-over-limit"])
def test_a_blocked_member_gets_an_object_as_detail(api, code):
    with api.sandbox.behaviours.during(account=code):
        refused = api.get("issues/")
        assert api.client.get("").status_code == 200

    assert refused.status_code == 401
    assert refused.json()["detail"].keys() == {"code", "message", "extra"}
    assert refused.json()["detail"]["code"] == code


def test_a_removed_member_is_forbidden_and_sees_no_organization(api):
    with api.sandbox.behaviours.during(account="removed"):
        assert api.get("issues/").status_code == 403
        assert api.client.get("").json() == []


@pytest.mark.parametrize(
    ("account", "detail"),
    [
        ("user-inactive", "User inactive or deleted"),
        ("application-inactive", "UserApplication inactive or deleted"),
    ],
)
def test_nobody_is_let_in_for_an_inactive_user_or_application(api, account, detail):
    with api.sandbox.behaviours.during(account=account):
        refused = api.client.get("")

    assert (refused.status_code, refused.json()) == (401, {"detail": detail})


def test_an_older_server_lacks_endpoints(organization):
    missing = frozenset({"issues-timeseries", "open-periods", "activities", "stats_v2"})
    with running(organization, behaviours=Behaviours(missing_endpoints=missing)) as sandbox:
        headers = {"Authorization": f"Bearer {sandbox.token}"}
        root = f"{sandbox.base_url}/api/0/organizations/{organization.id}/"
        unknown = httpx.get(f"{root}nowhere/", headers=headers)
        for path in ("issues-timeseries/", "open-periods/", "stats_v2/", "issues/1/activities/"):
            refused = httpx.get(root + path, headers=headers)
            assert (refused.status_code, refused.json()) == (404, unknown.json())
        assert httpx.get(f"{root}issues/", headers=headers).status_code == 200

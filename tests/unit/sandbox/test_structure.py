"""Organization, projects, environments, releases, deploys."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

import pytest

from include.sandbox.state import release_state
from include.sandbox.tallies import release_counts


def test_detail_drags_projects_and_teams_along_unless_told_not_to(api):
    assert {"projects", "teams"} <= api.rows("").keys()
    assert not {"projects", "teams"} & api.rows("", detailed=0).keys()
    assert api.rows("")["links"]["regionUrl"] == api.sandbox.base_url


def test_projects_are_all_accessible_ones_page_by_page(api):
    rows = [row for page in api.pages("projects/", per_page=4) for row in page]

    assert {row["id"] for row in rows} == {p.id for p in api.organization.projects}
    assert [row["slug"] for row in rows if not row["isMember"]] == ["legacy-admin"]
    assert [row["slug"] for row in rows if row["latestRelease"] is None] == ["data-jobs"]
    assert [row["slug"] for row in rows if row["firstEvent"] is None] == ["design-system"]


def test_cursors_of_numbered_pages_count_pages(api):
    first = api.get("projects/", per_page=2)
    last = api.get("projects/", per_page=2, cursor="2:4:0")

    assert first.links["previous"]["cursor"] == "2:-1:1"
    assert first.links["next"]["cursor"] == "2:1:0"
    assert len(last.json()) == 1
    assert last.links["next"]["results"] == "false"


@pytest.mark.parametrize(
    ("params", "detail"),
    [
        ({"per_page": 101}, "Invalid per_page value. Cannot exceed 100."),
        ({"per_page": "x"}, "Invalid per_page parameter."),
        ({"cursor": "bogus"}, "Invalid cursor parameter."),
        ({"cursor": "1:2"}, "Invalid cursor parameter."),
    ],
)
def test_bad_paging_is_400(api, params, detail):
    for path in ("projects/", "releases/"):
        response = api.get(path, **params)
        assert (response.status_code, response.json()) == (400, {"detail": detail})


def test_environments_are_visible_ones_without_a_link(api):
    response = api.get("environments/")

    assert [row["name"] for row in response.json()] == ["production", "staging", "qa"]
    assert "Link" not in response.headers
    assert [row["name"] for row in api.rows("environments/", visibility="hidden")] == ["load test"]
    assert len(api.rows("environments/", visibility="all")) == 4
    assert api.get("environments/", visibility="some").status_code == 400


def versions(api, **params):
    return [row["version"] for page in api.pages("releases/", **params) for row in page]


def test_releases_are_open_ones_by_default_and_newest_first(api):
    now = api.organization.now
    existing = [r for r in api.organization.releases if r.created_at <= now][::-1]
    by_status = {
        status: [r.version for r in existing if release_state(r, now).status == status]
        for status in ("open", "archived")
    }

    assert by_status["archived"]
    assert versions(api, project=-1) == by_status["open"]
    assert versions(api, project=-1, status="archived") == by_status["archived"]
    assert versions(api, project=-1, status="") == [r.version for r in existing]
    assert api.get("releases/", status="closed").status_code == 400


def test_without_projects_only_the_members_releases_are_listed(api):
    own = versions(api, status="")

    assert not any(version.startswith("legacy-admin@") for version in own)
    assert any(v.startswith("legacy-admin@") for v in versions(api, project=-1, status=""))


def test_release_dates_filter_on_creation(api):
    end = api.organization.now - timedelta(days=30)
    start = end - timedelta(days=14)
    expected = [r.version for r in api.organization.releases if start <= r.created_at < end][::-1]

    found = versions(api, project=-1, status="", start=start.isoformat(), end=end.isoformat())
    assert found == expected


def test_new_groups_sum_up_to_the_issues_with_a_release(api):
    now = api.organization.now
    rows = [r for page in api.pages("releases/", project=-1, status="") for r in page]
    born = [
        issue
        for issue in api.organization.issues
        if issue.first_seen <= now and issue.occurrences.version_codes[0] > 0
    ]

    assert 0.9 * len(born) <= sum(row["newGroups"] for row in rows) <= len(born)
    for row in rows:
        assert row["newGroups"] == sum(project["newGroups"] for project in row["projects"])
        assert all(isinstance(project["id"], int) for project in row["projects"])


def test_last_event_of_a_release_is_that_of_the_facts(api):
    now, mine = api.organization.now, api.organization
    day = {
        version for _, version in release_counts(mine, now, now - timedelta(days=1), now) if version
    }
    rows = [r for page in api.pages("releases/", project=-1, status="") for r in page]
    recent = {
        row["version"]
        for row in rows
        if row["lastEvent"] and row["lastEvent"] >= (now - timedelta(days=1)).isoformat()[:19]
    }

    assert day
    assert day <= recent


def test_version_info_is_there_for_semver_only(api):
    rows = {
        row["version"]: row["versionInfo"]
        for page in api.pages("releases/", project=-1, status="")
        for row in page
    }

    for version, info in rows.items():
        assert (info is None) == ("@" not in version)
    build = next(version for version in rows if version.endswith("/rc"))
    assert rows[build]["package"] == "billing"
    assert rows[build]["version"]["buildCode"].startswith("build.")


def test_deploys_are_the_last_per_environment_and_the_count_is_of_all(api):
    now = api.organization.now
    crowded = next(
        r
        for r in api.organization.releases
        if len(release_state(r, now).deploys) == 4 and r.archived_at is None
    )
    rows = api.rows(f"releases/{quote(crowded.version, safe='')}/deploys/")
    listed = next(
        row
        for page in api.pages("releases/", project=-1)
        for row in page
        if row["version"] == crowded.version
    )

    assert sorted(row["environment"] for row in rows) == ["production", "qa", "staging"]
    assert listed["deployCount"] == 4
    assert listed["lastDeploy"]["id"] == crowded.deploys[-1].id == rows[0]["id"]


def test_a_version_is_one_encoded_segment(api):
    slashed = next(r.version for r in api.organization.releases if "/" in r.version)

    assert api.get(f"releases/{quote(slashed, safe='')}/deploys/").status_code == 200
    assert api.get(f"releases/{slashed}/deploys/").status_code == 404
    assert api.get("releases/none@1.0.0/deploys/").status_code == 404
    assert api.get(f"releases/{quote(slashed, safe='')}/").status_code == 404


def test_what_is_released_later_is_null_at_first(organization, at_time):
    release = next(
        r
        for r in organization.releases
        if r.created_at > organization.now
        and r.released_at is not None
        and (r.released_at - r.created_at) > timedelta(minutes=10)
    )
    with at_time(release.created_at + timedelta(minutes=1)) as api:
        row = api.rows("releases/", project=-1, per_page=1)[0]
        api.sandbox.clock.advance((release.released_at - api.sandbox.clock.now).total_seconds())
        later = {r["version"]: r for r in api.rows("releases/", project=-1, per_page=5)}

    assert (row["version"], row["dateReleased"]) == (release.version, None)
    assert later[release.version]["dateReleased"] is not None

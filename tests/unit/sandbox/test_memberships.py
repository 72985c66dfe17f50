"""Further organizations of the installing user: listed, empty, and answered in Sentry's shapes."""

from __future__ import annotations

import pytest

from include.sandbox.behaviours import BehaviourError
from include.sandbox.canaries import CANARY

GLOBEX, INITECH = {"id": "90001", "slug": "globex"}, {"id": "90002", "slug": "initech"}
EVENTS = {"dataset": "errors", "field": ["issue.id", "count()"], "project": -1}
STATS = {"field": "sum(quantity)", "groupBy": "outcome", "category": "error", "interval": "1h"}


@pytest.fixture
def several(api):
    with api.sandbox.behaviours.during(other_organizations=[GLOBEX, INITECH]):
        yield api


def test_all_are_listed_with_names_that_are_canaries(several):
    rows = several.client.get("").json()

    slugs = [several.organization.slug, "globex", "initech"]
    assert [row["slug"] for row in rows] == slugs
    assert [row["id"] for row in rows] == [several.organization.id, "90001", "90002"]
    assert all(CANARY in row["name"] for row in rows)
    assert {row["links"]["regionUrl"] for row in rows} == {several.sandbox.base_url}


def test_the_list_has_pages(several):
    pages, response = [], several.client.get("", params={"per_page": 1})
    for _ in range(3):
        pages += [row["slug"] for row in response.json()]
        following = response.links["next"]
        response = several.client.get(following["url"])

    assert pages == [several.organization.slug, "globex", "initech"]
    assert following["results"] == "false"


@pytest.mark.parametrize(
    ("path", "params", "empty"),
    [
        ("projects/", {}, []),
        ("environments/", {}, []),
        ("releases/", {"project": -1}, []),
        ("issues/", {"project": -1, "query": ""}, []),
        ("issues/", {"project": -1, "group": "1"}, []),
    ],
)
def test_lists_of_another_one_are_empty(several, path, params, empty):
    for name in ("globex", "90001"):
        response = several.client.get(f"{name}/{path}", params=params)
        assert (response.status_code, response.json()) == (200, empty)


def test_statistics_of_another_one_count_nothing(several):
    def get(path, **params):
        return several.client.get(f"globex/{path}", params=params).json()

    assert get("events/", **EVENTS)["data"] == []
    totals = [group["totals"]["sum(quantity)"] for group in get("stats_v2/", **STATS)["groups"]]
    assert set(totals) <= {0}
    series = get("issues-timeseries/", yAxis="count(new_issues)")["timeSeries"]
    assert not any(value["value"] for value in series[0]["values"])


def test_another_one_has_a_detail_and_no_issue(several):
    detail = several.client.get("globex/").json()

    assert (detail["id"], detail["slug"], detail["projects"]) == ("90001", "globex", [])
    issue = next(one.id for one in several.organization.issues)
    assert several.client.get(f"globex/issues/{issue}/").status_code == 404
    assert several.client.get("hooli/").status_code == 404


def test_what_happens_to_the_sandboxs_own_one_does_not_happen_to_others(several):
    change = {"account": "removed", "organization_slug": "renamed"}
    with several.sandbox.behaviours.during(**change):
        assert [row["slug"] for row in several.client.get("").json()] == ["globex", "initech"]
        assert several.client.get("globex/projects/").status_code == 200
        assert several.client.get(f"{several.organization.id}/projects/").status_code == 403


@pytest.mark.parametrize("other", [{"id": "x", "slug": "a"}, {"id": "1", "slug": "A b"}, {}])
def test_an_impossible_organization_is_refused(api, other):
    with pytest.raises(BehaviourError, match="other_organizations"):
        api.sandbox.behaviours.set(other_organizations=[other])

"""The switches themselves: how they are set, what is refused, and that answers follow at once."""

from __future__ import annotations

import httpx
import pytest

from include.sandbox.behaviours import API_ROUTES, BehaviourError, Behaviours, Switchboard
from include.sandbox.faults import Fault
from include.sandbox.server import ROUTES, running


def test_the_names_of_the_routes_are_those_of_the_server():
    assert tuple(name for name, *_ in ROUTES) == API_ROUTES


def test_a_switch_is_set_and_the_others_stay():
    switches = Switchboard()
    switches.set(drift=True)
    switches.set(hidden_projects={"1", "2"}, faults=[{"kind": "html_200"}])

    assert switches.current == Behaviours(
        drift=True,
        hidden_projects=frozenset({"1", "2"}),
        faults=(Fault(kind="html_200"),),
    )
    assert switches.reset() == Behaviours()


def test_behaviours_hold_for_a_while_and_then_are_what_they_were():
    switches = Switchboard(Behaviours(short_pages=True))
    with switches.during(drift=True, faults=[Fault(kind="html_503")]) as now:
        assert (now.drift, now.short_pages, now.faults[0].kind) == (True, True, "html_503")

    assert switches.current == Behaviours(short_pages=True)


REFUSED = [
    ({"nonsense": 1}, "nonsense"),
    ({"drift": "yes"}, "drift"),
    ({"retention_days": 91}, "retention_days"),
    ({"search_timeout_hours": 0}, "search_timeout_hours"),
    ({"group_parameter": "sometimes"}, "sometimes"),
    ({"missing_endpoints": ["replays"]}, "replays"),
    ({"granted_scopes": ["Org Read"]}, "granted_scopes"),
    ({"other_organizations": [{"id": "1"}]}, "other_organizations"),
    ({"moved_to": "de.sentry.io"}, "moved_to"),
    ({"faults": [{"kind": "earthquake"}]}, "earthquake"),
    ({"faults": [{"kind": "none", "routes": ["replays"]}]}, "replays"),
    ({"faults": [{"kind": "none", "probability": 2}]}, "probability"),
    ({"faults": [{"kind": "none", "often": 2}]}, "often"),
]


@pytest.mark.parametrize(("change", "named"), REFUSED)
def test_an_unknown_switch_or_a_bad_value_is_refused_and_changes_nothing(change, named):
    switches = Switchboard()

    with pytest.raises(BehaviourError, match=named):
        switches.set(**change)
    assert switches.current == Behaviours()


def test_behaviours_are_read_changed_and_reset_over_http(organization):
    with running(organization, behaviours=Behaviours(short_pages=True)) as sandbox:
        url = f"{sandbox.base_url}/sandbox/behaviours"
        assert httpx.get(url).json()["short_pages"] is True
        changed = httpx.patch(url, json={"retention_days": 30})
        assert (changed.json()["retention_days"], changed.json()["short_pages"]) == (30, True)
        assert sandbox.behaviours.current.retention_days == 30
        for body in (b"?", b"[1]", b'{"nonsense": 1}', b'{"retention_days": 0}', b""):
            refused = httpx.patch(url, content=body)
            assert refused.status_code == 400
            assert refused.json()["detail"].endswith(".")
        assert httpx.delete(url).json()["retention_days"] == 90
        assert sandbox.behaviours.current == Behaviours(short_pages=True)


def test_what_was_answered_before_a_change_is_not_remembered_after_it(api):
    project = api.organization.projects[0]
    before = api.rows("issues/", project=project.id, query="")
    feed = api.rows(f"issues/{before[0]['id']}/activities/")
    with api.sandbox.behaviours.during(project_slugs={project.id: "renamed"}, action_log=True):
        during = api.rows("issues/", project=project.id, query="")
        assert api.rows(f"issues/{before[0]['id']}/activities/") != feed
    after = api.rows("issues/", project=project.id, query="")

    assert {row["project"]["slug"] for row in during} == {"renamed"}
    assert after == before
    assert api.rows(f"issues/{before[0]['id']}/activities/") == feed

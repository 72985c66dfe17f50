"""What every request passes, and the sandbox's own routes."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from include.sandbox.canaries import CANARY
from include.sandbox.request_log import KEPT, RequestLog
from include.sandbox.server import running

SCOPED = {
    "org:read": ("", "projects/", "environments/", "stats_v2/", "events/", "open-periods/"),
    "event:read": ("issues/", "issues/1/", "issues/1/activities/"),
    "project:read": ("releases/", "releases/x/deploys/"),
}


def test_no_credentials_is_401(api):
    response = httpx.get(f"{api.client.base_url}")

    assert response.status_code == 401
    assert response.json() == {"detail": "Authentication credentials were not provided."}


@pytest.mark.parametrize("value", ["Bearer wrong", "bearer sandbox-toke", "Bearer sandbox-token2"])
def test_another_token_is_401(api, value):
    response = httpx.get(f"{api.client.base_url}", headers={"Authorization": value})

    assert (response.status_code, response.json()) == (401, {"detail": "Invalid token"})


@pytest.mark.parametrize("missing", SCOPED)
def test_a_missing_scope_is_403_on_its_endpoints_only(organization, missing):
    with running(organization, token="narrow", scopes=frozenset(SCOPED) - {missing}) as sandbox:
        for scope, paths in SCOPED.items():
            for path in paths:
                response = httpx.get(
                    f"{sandbox.base_url}/api/0/organizations/{organization.slug}/{path}",
                    headers={"Authorization": "Bearer narrow"},
                )
                assert (response.status_code == 403) == (scope == missing), path


def test_the_organization_answers_by_id_and_by_slug_and_no_other_does(api):
    assert api.client.get(f"{api.organization.id}/").status_code == 200
    assert api.client.get(f"{api.organization.slug}/").status_code == 200
    other = api.client.get("globex/projects/")
    assert (other.status_code, other.json()) == (
        404,
        {"detail": "The requested resource does not exist"},
    )


@pytest.mark.parametrize(
    "path", ["projects", "issues", "project-keys/", "members/", "issues/1/events/", "sessions/"]
)
def test_a_missing_slash_and_every_unlisted_path_is_404(api, path):
    assert api.get(path).status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_only_reading_is_allowed(api, method):
    assert api.client.request(method, f"{api.organization.id}/issues/").status_code == 405


def test_every_response_carries_the_sandbox_date_limits_and_a_canary(api):
    for path in ("", f"{api.organization.id}/issues/", "nowhere/", f"{api.organization.id}/none/"):
        headers = api.client.get(path).headers
        assert headers["Date"] == "Mon, 02 Nov 2026 09:00:00 GMT"
        assert headers.get_list("Date") == [headers["Date"]]
        assert int(headers["X-Sentry-Rate-Limit-Remaining"]) > 100_000
        assert int(headers["X-Sentry-Rate-Limit-Reset"]) > api.organization.now.timestamp()
        assert CANARY in headers["X-Canary"]
        assert "server" not in headers


def test_an_overlong_address_is_refused(api):
    ids = "&".join(f"group={number}" for number in range(2000))

    assert api.client.get(f"{api.organization.id}/issues/?{ids}").status_code == 414


def test_requests_are_counted_by_route_and_can_be_reset(api):
    url = f"{api.sandbox.base_url}/sandbox/requests"
    httpx.delete(url)
    api.get("issues/")
    api.get("issues/", group="1")
    api.get("issues/1/activities/")

    counted = httpx.get(url).json()
    assert counted == {
        "total": 3,
        "by_route": {"issues": 1, "issues?group": 1, "activities": 1},
        "by_grant_type": {},
    }
    assert api.sandbox.requests.total == 3
    assert httpx.delete(url).json()["total"] == 0


def test_the_last_requests_are_kept_with_their_queries_in_process_only(api):
    api.sandbox.requests.reset()
    api.get("issues/", query="", limit=5)
    api.get("issues/", group=["1", "2"])
    api.get("nowhere/")

    assert list(api.sandbox.requests.recent) == [
        ("issues", "query=&limit=5"),
        ("issues?group", "group=1&group=2"),
    ]
    assert api.sandbox.requests.queries("issues?group") == ["group=1&group=2"]
    shown = httpx.get(f"{api.sandbox.base_url}/sandbox/requests").json()
    assert shown.keys() == {"total", "by_route", "by_grant_type"}
    api.sandbox.requests.reset()
    assert not api.sandbox.requests.recent


def test_the_log_of_requests_is_bounded():
    log = RequestLog()
    for number in range(KEPT + 10):
        log.record("issues", f"limit={number}")

    assert log.total == KEPT + 10
    assert len(log.recent) == KEPT
    assert log.queries("issues")[-1] == f"limit={KEPT + 9}"


def test_the_clock_moves_forward_only_and_not_past_its_horizon(organization):
    with running(organization) as sandbox:
        url = f"{sandbox.base_url}/sandbox/clock"
        before = httpx.get(url).json()
        moved = httpx.post(url, json={"advance_seconds": 90}).json()
        assert before["now"] == before["start"] == organization.now.isoformat()
        assert moved["now"] == (organization.now + timedelta(seconds=90)).isoformat()
        assert moved["horizon"] == organization.horizon.isoformat()
        for body in (b'{"advance_seconds": -1}', b'{"advance_seconds": 1e9}', b"{}", b"?", b"[1]"):
            refused = httpx.post(url, content=body)
            assert refused.status_code == 400
            assert refused.json()["detail"].endswith(".")
        assert sandbox.clock.now == organization.now + timedelta(seconds=90)
        assert httpx.get(f"{sandbox.base_url}/sandbox/health").json() == {"status": "ok"}
        assert httpx.get(url).headers["Date"] == "Mon, 02 Nov 2026 09:01:30 GMT"

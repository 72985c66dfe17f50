"""The token endpoint: rotation, refusals, and what becomes of access tokens."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx
import pytest

from include.sandbox.canaries import CANARY
from include.sandbox.server import running

CLIENT = ("connector", "secret")


class Installed:
    """A sandbox and an application that has tokens of it."""

    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.url = f"{sandbox.base_url}/oauth/token/"

    def post(self, *, auth=None, **form):
        return httpx.post(self.url, data=form, auth=auth)

    def refresh(self, refresh_token, **more):
        client = {"client_id": CLIENT[0], "client_secret": CLIENT[1]}
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return self.post(**(client | form | more))

    def call(self, access_token, path=""):
        headers = {"Authorization": f"Bearer {access_token}"}
        response = httpx.get(f"{self.sandbox.base_url}/api/0/organizations/{path}", headers=headers)
        return response.status_code, response.json()


@pytest.fixture
def app(organization):
    with running(
        organization,
        token="first-access",
        refresh_token="first-refresh",
        client_id=CLIENT[0],
        client_secret=CLIENT[1],
    ) as sandbox:
        yield Installed(sandbox)


INVALID_TOKEN = (401, {"detail": "Invalid token"})


def test_a_refresh_rotates_both_tokens_and_the_old_ones_die_at_once(app):
    assert app.call("first-access")[0] == 200
    response = app.refresh("first-refresh")
    body = response.json()

    assert response.status_code == 200
    assert app.call("first-access") == INVALID_TOKEN
    assert app.call(body["access_token"])[0] == 200
    again = app.refresh("first-refresh")
    assert (again.status_code, again.json()) == (400, {"error": "invalid_grant"})
    assert app.refresh(body["refresh_token"]).status_code == 200


def test_the_response_has_sentrys_fields_and_names_the_person(app, organization):
    response = app.refresh("first-refresh")
    body = response.json()

    assert response.headers["Content-Type"] == "application/json"
    assert "no-store" in response.headers["Cache-Control"]
    assert re.fullmatch("[0-9a-f]{64}", body["access_token"])
    assert re.fullmatch("[0-9a-f]{64}", body["refresh_token"])
    assert (body["expires_in"], body["token_type"]) == (30 * 86400, "Bearer")
    assert body["expires_at"] == "2026-12-02T09:00:00Z"
    assert body["scope"] == "event:read org:read project:read"
    assert CANARY in body["user"]["name"]
    assert CANARY in body["user"]["email"]
    assert body["user"]["id"] in {person.id for person in organization.people}
    assert "organization_id" not in body


def test_the_client_authenticates_by_basic_too_but_not_in_both_ways(app):
    form = {"grant_type": "refresh_token", "refresh_token": "first-refresh"}
    both = app.post(auth=CLIENT, client_id=CLIENT[0], **form)
    assert (both.status_code, both.json()) == (400, {"error": "invalid_request"})
    assert app.post(auth=CLIENT, **form).status_code == 200


@pytest.mark.parametrize(
    "form",
    [
        {"client_secret": "wrong"},
        {"client_id": "unknown"},
        {"client_id": "", "client_secret": ""},
    ],
)
def test_a_wrong_client_is_told_apart_from_a_wrong_token(app, form):
    refused = app.refresh("first-refresh", **form)

    assert (refused.status_code, refused.json()) == (401, {"error": "invalid_client"})
    assert refused.headers["WWW-Authenticate"] == 'Basic realm="oauth"'
    with app.sandbox.behaviours.during(client_error="invalid_credentials"):
        assert app.refresh("first-refresh", **form).json() == {"error": "invalid_credentials"}
    assert app.call("first-access")[0] == 200


@pytest.mark.parametrize("value", ["Basic !!!", "Basic " + "QQ==" * 2000, "Basic Y29ubmVjdG9y"])
def test_a_nonsensical_basic_header_is_a_wrong_client(app, value):
    refused = httpx.post(app.url, data={"grant_type": "x"}, headers={"Authorization": value})

    assert refused.json() == {"error": "invalid_client"}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"scope": "org:read"}, "invalid_request"),
        ({"scope": ""}, "invalid_request"),
        ({"refresh_token": ""}, "invalid_request"),
        ({"refresh_token": "unknown"}, "invalid_grant"),
        ({"refresh_token": "first-access"}, "invalid_grant"),
        ({"grant_type": "authorization_code"}, "invalid_grant"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": ""}, "unsupported_grant_type"),
    ],
)
def test_refusals_have_a_code_and_no_description(app, change, error):
    refused = app.refresh(**({"refresh_token": "first-refresh"} | change))

    assert (refused.status_code, refused.json()) == (400, {"error": error})
    assert app.call("first-access")[0] == 200


def test_only_a_form_that_is_posted_counts(app):
    form = {"grant_type": "refresh_token", "refresh_token": "first-refresh"}
    credentials = {"client_id": CLIENT[0], "client_secret": CLIENT[1]}

    assert httpx.get(app.url).status_code == 405
    assert httpx.post(app.url[:-1], data=form | credentials).status_code == 404
    assert httpx.post(app.url, json=form | credentials).json() == {"error": "invalid_client"}


def test_a_region_that_lags_behind_does_not_know_the_new_token_at_first(app):
    app.sandbox.behaviours.set(replica_lag_calls=2)
    access = app.refresh("first-refresh").json()["access_token"]

    assert [app.call(access)[0] for _ in range(4)] == [401, 401, 200, 200]
    with app.sandbox.behaviours.during(replica_lag_calls=0):
        access = app.refresh(app.sandbox.tokens.refresh_token).json()["access_token"]
        assert app.call(access)[0] == 200


def test_a_refreshed_token_expires_by_the_sandbox_clock_and_can_be_refreshed_again(app):
    app.sandbox.behaviours.set(token_lifetime_s=3600)
    pair = app.refresh("first-refresh").json()
    app.sandbox.clock.advance(3599)
    assert app.call(pair["access_token"])[0] == 200
    app.sandbox.clock.advance(1)
    assert app.call(pair["access_token"]) == (401, {"detail": "Token expired"})
    again = app.refresh(pair["refresh_token"]).json()
    assert app.call(again["access_token"])[0] == 200


def test_thirty_days_after_its_expiry_a_token_cannot_be_refreshed_any_more(app):
    app.sandbox.behaviours.set(token_lifetime_s=3600)
    pair = app.refresh("first-refresh").json()
    app.sandbox.clock.advance(timedelta(days=30, hours=1).total_seconds())

    assert app.refresh(pair["refresh_token"]).json() == {"error": "invalid_grant"}
    assert app.call(pair["access_token"]) == INVALID_TOKEN


def test_the_first_token_expires_only_on_command(app):
    app.sandbox.clock.advance(timedelta(days=100).total_seconds())
    assert app.call("first-access")[0] == 200
    app.sandbox.tokens.expire()
    assert app.call("first-access") == (401, {"detail": "Token expired"})
    assert app.refresh("first-refresh").status_code == 200


def test_a_revoked_application_has_neither_access_nor_refresh(app):
    app.sandbox.tokens.revoke()

    assert app.call("first-access") == INVALID_TOKEN
    assert app.refresh("first-refresh").json() == {"error": "invalid_grant"}
    assert app.sandbox.tokens.access_token is None
    pair = app.sandbox.tokens.grant(3600)
    assert app.call(pair.access)[0] == 200
    assert app.refresh(pair.refresh).status_code == 200


def test_an_inactive_application_gets_no_grant(app):
    with app.sandbox.behaviours.during(account="application-inactive"):
        assert app.refresh("first-refresh").json() == {"error": "invalid_grant"}


def test_tokens_can_be_ordered_about_over_http(app):
    url = f"{app.sandbox.base_url}/sandbox/tokens"
    assert httpx.post(url, json={"action": "expire"}).json()["access_token"] == "first-access"
    assert app.call("first-access") == (401, {"detail": "Token expired"})
    revoked = httpx.post(url, json={"action": "revoke"}).json()
    assert revoked == {"access_token": None, "refresh_token": None}
    granted = httpx.post(url, json={"action": "grant"}).json()
    assert app.call(granted["access_token"])[0] == 200
    for body in (b"", b'{"action": "steal"}'):
        assert httpx.post(url, content=body).status_code == 400


def test_a_lost_response_has_rotated_the_tokens_all_the_same(app):
    app.sandbox.behaviours.set(
        faults=[{"kind": "dropped_connection", "routes": ["oauth-token"], "times": 1}]
    )
    with pytest.raises(httpx.RemoteProtocolError):
        app.refresh("first-refresh")

    assert app.refresh("first-refresh").json() == {"error": "invalid_grant"}
    assert app.call("first-access") == INVALID_TOKEN


def test_every_issued_token_is_known_so_that_leaks_can_be_searched_for(app):
    pair = app.refresh("first-refresh").json()

    assert app.sandbox.tokens.issued == [pair["access_token"], pair["refresh_token"]]


def test_refreshes_are_logged_without_what_they_carry(app):
    app.refresh("first-refresh")

    assert app.sandbox.requests.by_route == {"oauth-token": 1}
    assert app.sandbox.requests.queries("oauth-token") == [""]
    assert "first-refresh" not in str(app.sandbox.requests.recent)

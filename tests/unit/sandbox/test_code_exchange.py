"""Codes for tokens: what a code is bound to, and what the tokens are good for."""

from __future__ import annotations

import base64
import hashlib
import re
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from include.sandbox.canaries import CANARY
from include.sandbox.server import running

CALLBACK = "http://localhost:8080/integrations/sentry/callback"
SCOPES = "project:read org:read event:read"
VERIFIER = "a-verifier.of_the~right-length-0123456789-and-more"
CLIENT = {"client_id": "sandbox-client", "client_secret": "sandbox-client-secret"}
GLOBEX = {"id": "4507310045009999", "slug": "globex"}


def challenge(verifier):
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


class Connector:
    """An application that installs itself by OAuth."""

    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.browser = httpx.Client(base_url=sandbox.base_url)

    def code(self, organization_id="", **changes):
        asked = {
            "client_id": CLIENT["client_id"],
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "scope": SCOPES,
            "code_challenge": challenge(VERIFIER),
            "code_challenge_method": "S256",
        } | changes
        kept = {name: value for name, value in asked.items() if value is not None}
        answer = self.browser.get("/oauth/authorize/", params=kept)
        if answer.status_code == 200:
            token = re.search('name="csrfmiddlewaretoken" value="([0-9a-f]+)"', answer.text)[1]
            form = {"csrfmiddlewaretoken": token, "op": "approve"}
            form |= {"selected_organization_id": organization_id}
            answer = self.browser.post("/oauth/authorize/", data=form)
        return parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]

    def post(self, **form):
        kept = {name: value for name, value in form.items() if value is not None}
        return httpx.post(f"{self.sandbox.base_url}/oauth/token/", data=kept)

    def exchange(self, code, **changes):
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
        }
        return self.post(**(CLIENT | form | changes))

    def connect(self, **changes):
        response = self.exchange(self.code(**changes))
        assert response.status_code == 200, response.text
        return response.json()

    def refresh(self, pair):
        form = {"grant_type": "refresh_token", "refresh_token": pair["refresh_token"]}
        return self.post(**CLIENT, **form)

    def get(self, pair, path=""):
        headers = {"Authorization": f"Bearer {pair['access_token']}"}
        return httpx.get(f"{self.sandbox.base_url}/api/0/organizations/{path}", headers=headers)


@pytest.fixture
def app(organization):
    with running(organization) as sandbox:
        yield Connector(sandbox)


def assert_refused(response, error="invalid_grant", status=400):
    assert (response.status_code, response.json()) == (status, {"error": error})
    assert "no-store" in response.headers["Cache-Control"]


def test_a_code_becomes_a_pair_of_tokens(app):
    response = app.exchange(app.code())
    pair = response.json()

    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"
    assert "no-store" in response.headers["Cache-Control"]
    assert (pair["token_type"], pair["scope"]) == ("Bearer", "event:read org:read project:read")
    assert (pair["expires_in"], pair["expires_at"]) == (30 * 86400, "2026-12-02T09:00:00Z")
    assert CANARY in pair["user"]["email"]
    assert "organization_id" not in pair
    assert app.get(pair).status_code == 200
    assert app.refresh(pair).status_code == 200


def test_codes_and_tokens_are_known_so_that_leaks_can_be_searched_for(app):
    code = app.code()
    pair = app.exchange(code).json()

    assert app.sandbox.tokens.issued == [code, pair["access_token"], pair["refresh_token"]]


def test_a_code_can_be_used_once(app):
    code = app.code()
    pair = app.exchange(code).json()

    assert_refused(app.exchange(code))
    assert app.get(pair).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"redirect_uri": "http://127.0.0.1:8080/integrations/sentry/callback"},
        {"redirect_uri": CALLBACK.replace("8080", "8081")},
        {"redirect_uri": None},
        {"code_verifier": None},
        {"code_verifier": ""},
        {"code_verifier": VERIFIER[::-1]},
        {"code_verifier": challenge(VERIFIER)},
        {"code_verifier": "too-short"},
    ],
)
def test_a_failed_exchange_uses_the_code_up(app, change):
    code = app.code()

    assert_refused(app.exchange(code, **change))
    assert_refused(app.exchange(code))


def test_a_verifier_of_the_wrong_form_fails_even_if_it_fits(app):
    code = app.code(code_challenge=challenge("too-short"))

    assert_refused(app.exchange(code, code_verifier="too-short"))


def test_without_a_challenge_no_verifier_is_needed(app):
    code = app.code(code_challenge=None, code_challenge_method=None)

    assert app.exchange(code, code_verifier=None).status_code == 200


@pytest.mark.parametrize("code", [None, "", "unknown"])
def test_an_unknown_code_is_refused(app, code):
    assert_refused(app.exchange(code))


def test_a_code_lives_ten_minutes_by_the_sandbox_clock(app):
    first, second = app.code(), app.code()
    app.sandbox.clock.advance(599)
    assert app.exchange(first).status_code == 200
    app.sandbox.clock.advance(1)
    assert_refused(app.exchange(second))


def test_a_wrong_client_leaves_the_code_alone(app):
    code = app.code()
    for change in ({"client_secret": "wrong"}, {"client_secret": None}, {"client_id": "other"}):
        refused = app.exchange(code, **change)
        assert_refused(refused, "invalid_client", 401)
        assert refused.headers["WWW-Authenticate"] == 'Basic realm="oauth"'

    assert app.exchange(code).status_code == 200


def test_a_code_of_another_client_is_unknown(app):
    code = app.code()
    app.sandbox.tokens.application.client_id = "another-client"

    assert_refused(app.exchange(code, client_id="another-client"))
    app.sandbox.tokens.application.client_id = CLIENT["client_id"]
    assert app.exchange(code).status_code == 200


def test_an_inactive_application_loses_its_code(app):
    code = app.code()
    with app.sandbox.behaviours.during(account="application-inactive"):
        assert_refused(app.exchange(code))

    assert_refused(app.exchange(code))


def test_each_consent_has_its_own_pair_and_the_old_ones_stay_good(app):
    first, second = app.connect(), app.connect(scope="org:read")
    refreshed = app.refresh(second).json()

    assert app.get(first, "lumen-goods/issues/").status_code == 200
    assert app.get(second).status_code == 401
    assert refreshed["scope"] == second["scope"] == "org:read"
    assert app.get(refreshed, "lumen-goods/").status_code == 200
    assert app.get(refreshed, "lumen-goods/issues/").status_code == 403
    headers = {"Authorization": f"Bearer {app.sandbox.token}"}
    first_of_all = httpx.get(f"{app.sandbox.base_url}/api/0/organizations/", headers=headers)
    assert first_of_all.status_code == 200


@pytest.mark.parametrize(
    ("granted", "scope"),
    [
        (["org:read"], "org:read"),
        ([*SCOPES.split(), "project:write"], "event:read org:read project:read project:write"),
        ([], ""),
    ],
)
def test_more_or_less_can_be_granted_than_was_asked(app, granted, scope):
    app.sandbox.behaviours.set(granted_scopes=granted)
    pair = app.connect()

    assert pair["scope"] == scope
    assert app.refresh(pair).json()["scope"] == scope


def test_a_region_does_not_know_a_new_token_at_first(app):
    app.sandbox.behaviours.set(replica_lag_calls=1)
    pair = app.connect()

    assert [app.get(pair).status_code for _ in range(2)] == [401, 200]


def test_an_old_server_gives_tokens_without_an_end_or_a_successor(app):
    app.sandbox.behaviours.set(token_lifetime_s=None, refresh_tokens=False)
    pair = app.connect()

    assert (pair["expires_in"], pair["expires_at"], pair["refresh_token"]) == (None, None, None)
    app.sandbox.clock.advance(100 * 86400)
    assert app.get(pair).status_code == 200


def test_a_rotated_secret_leaves_tokens_good_and_refuses_the_client(app):
    pair = app.connect()
    url = f"{app.sandbox.base_url}/sandbox/application"
    changed = httpx.post(url, json={"client_secret": "rotated"})

    assert "rotated" not in changed.text
    assert_refused(app.refresh(pair), "invalid_client", 401)
    assert app.get(pair).status_code == 200
    httpx.post(url, json={"client_secret": CLIENT["client_secret"]})
    assert app.refresh(pair).status_code == 200


def test_the_application_is_shown_and_changed_over_http(app):
    url = f"{app.sandbox.base_url}/sandbox/application"
    shown = httpx.get(url).json()
    assert shown == {
        "client_id": "sandbox-client",
        "name": "Corvana",
        "redirect_uris": [
            "http://127.0.0.1/integrations/sentry/callback",
            "http://localhost/integrations/sentry/callback",
            "http://127.0.0.1/callback",
        ],
        "requires_org_level_access": False,
    }
    order = {
        "name": "Other",
        "redirect_uris": ["https://app.example/back"],
        "requires_org_level_access": True,
    }
    assert httpx.post(url, json=order).json() == shown | order
    assert app.sandbox.behaviours.current.requires_org_level_access
    assert httpx.post(url, json={}).json() == shown | order
    for body in (b"", b'{"name": ""}', b'{"redirect_uris": ["x"]}', b'{"colour": "red"}'):
        refused = httpx.post(url, content=body)
        assert (refused.status_code, refused.json()["detail"][-1]) == (400, ".")


def lost(app, kind, routes=("oauth-token",)):
    return app.sandbox.behaviours.during(
        faults=[{"kind": kind, "routes": list(routes), "times": 1}]
    )


def test_a_lost_response_never_comes_but_the_code_is_used_and_the_tokens_exist(app):
    code = app.code()
    nothing = "disconnected without sending a response"
    with lost(app, "lost_response"), pytest.raises(httpx.RemoteProtocolError, match=nothing):
        app.exchange(code)

    assert_refused(app.exchange(code))
    access = app.sandbox.tokens.access_token
    assert app.get({"access_token": access}).status_code == 200


@pytest.mark.parametrize("kind", ["lost_response", "dropped_connection", "gateway_timeout"])
def test_a_refresh_whose_response_is_lost_has_happened(app, kind):
    pair = app.connect()
    with lost(app, kind):
        if kind == "gateway_timeout":
            refused = app.refresh(pair)
            assert (refused.status_code, CANARY in refused.text) == (504, True)
        else:
            with pytest.raises(httpx.RemoteProtocolError):
                app.refresh(pair)

    assert app.get(pair).status_code == 401
    assert_refused(app.refresh(pair))
    assert app.get({"access_token": app.sandbox.tokens.access_token}).status_code == 200


def test_a_server_error_is_before_anything_happened(app):
    code = app.code()
    with lost(app, "server_error"):
        assert app.exchange(code).status_code == 500

    assert app.exchange(code).status_code == 200


def test_exchanges_and_refreshes_are_counted_apart_refused_ones_too(app):
    pair = app.connect()
    app.refresh(pair)
    app.refresh(pair)
    app.post(grant_type="pa55word")
    httpx.get(f"{app.sandbox.base_url}/oauth/token/")

    counted = httpx.get(f"{app.sandbox.base_url}/sandbox/requests").json()
    assert counted["by_grant_type"] == {"authorization_code": 1, "refresh_token": 2, "other": 1}
    assert counted["by_route"]["oauth-token"] == 5
    assert counted["by_route"]["oauth-authorize"] == 2
    httpx.delete(f"{app.sandbox.base_url}/sandbox/requests")
    assert not app.sandbox.requests.by_grant_type


def test_a_token_for_one_organization_knows_no_other(app, organization):
    app.sandbox.behaviours.set(requires_org_level_access=True, other_organizations=[GLOBEX])
    theirs, mine = (app.connect(organization_id=id_) for id_ in (GLOBEX["id"], organization.id))

    assert theirs["organization_id"] == GLOBEX["id"]
    assert [row["slug"] for row in app.get(theirs).json()] == ["globex"]
    assert [row["slug"] for row in app.get(mine).json()] == [organization.slug]
    assert app.get(theirs, "globex/projects/").json() == []
    for path in ("issues/", "", "projects/"):
        assert app.get(theirs, f"{organization.id}/{path}").status_code == 403
        assert app.get(mine, f"globex/{path}").status_code == 403
    renewed = app.refresh(theirs).json()
    assert renewed["organization_id"] == GLOBEX["id"]
    assert [row["slug"] for row in app.get(renewed).json()] == ["globex"]

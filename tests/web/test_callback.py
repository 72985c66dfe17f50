"""Connecting through a real OAuth server, and everything that can be tried with its answer."""

import logging
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import structlog
from sqlalchemy import update

from include.connections.models import AuthorizationRow
from include.connections.states import Reason, State
from include.masking import hide
from include.web import airflow, routes
from include.web.services import services
from include.web.signing import FLOW
from tests.web.conftest import HOME, OTHER, SITE, authorize_url, consent, query

CONNECT = "/integrations/sentry/connect"
CALLBACK = "/integrations/sentry/callback"


@pytest.fixture
def begun(admin, sandbox):
    """The address of Sentry's question, which admin was sent to."""
    return authorize_url(admin.press(CONNECT))


@pytest.fixture
def nothing_connected(registry):
    yield
    assert registry.in_state(State.CONNECTED, State.CONNECTING) == []


class TestConnecting:
    def test_what_sentry_is_asked(self, begun, sandbox):
        asked = query(begun)
        assert begun.startswith(f"{sandbox.base_url}/oauth/authorize/?")
        assert asked["redirect_uri"] == f"{SITE}{CALLBACK}"
        assert sorted(asked["scope"].split()) == ["event:read", "org:read", "project:read"]
        assert asked["code_challenge_method"] == "S256"

    def test_the_flows_cookie(self, admin, sandbox):
        answer = admin.press(CONNECT)
        (cookie,) = [one for one in answer.headers.get_list("set-cookie") if FLOW in one]
        for part in ("HttpOnly", "SameSite=lax", "Path=/integrations/sentry", "Max-Age=600"):
            assert part in cookie

    def test_allowed(self, admin, begun, registry):
        back = consent(begun)
        answer = admin.get(back)
        assert answer.status_code == 303
        assert answer.headers["location"] == HOME
        (connection,) = registry.in_state(State.CONNECTED)
        assert connection.organization_slug == "lumen-goods"
        assert connection.created_by == "admin-1"
        page = admin.get(HOME).text
        assert "lumen-goods is connected. The first load starts within a minute." in page
        assert "Connected – first load starts in a moment" in page
        assert query(back)["code"] not in page
        # The flow's cookie is gone.
        assert FLOW not in admin.client.cookies

    def test_denied(self, admin, begun, nothing_connected):
        admin.get(consent(begun, "deny"))
        assert "Access was not allowed in Sentry. Nothing was connected" in admin.message()

    def test_several_organizations(self, admin, sandbox, registry):
        sandbox.behaviours.set(other_organizations=(OTHER,))
        answer = admin.get(consent(authorize_url(admin.press(CONNECT))))
        (connecting,) = registry.in_state(State.CONNECTING)
        choose = f"/integrations/sentry/{connecting.id}/organization"
        assert answer.headers["location"] == choose
        page = admin.get(choose).text
        assert "lumen-goods" in page
        assert "second-shop" in page
        assert "Choose the organization" in admin.get(HOME).text

        assert admin.press(choose, organization="999").headers["location"] == HOME
        assert "none of those that Sentry shows" in admin.message()
        assert admin.press(choose).headers["location"] == HOME
        assert registry.get(connecting.id).state is State.CONNECTING

        admin.press(choose, organization=OTHER.id)
        (connection,) = registry.in_state(State.CONNECTED)
        assert (connection.id, connection.organization_slug) == (connecting.id, "second-shop")
        assert admin.message().startswith("second-shop is connected.")
        # A second choice changes nothing.
        admin.press(choose, organization="4507310012349440")
        assert registry.get(connecting.id).organization_slug == "second-shop"

    def test_the_same_organization_again(self, admin, begun, registry, sandbox):
        admin.get(consent(begun))
        (connection,) = registry.in_state(State.CONNECTED)
        admin.get(consent(authorize_url(admin.press(CONNECT))))
        page = admin.get(HOME).text
        assert f"is connected already, as {connection.id}" in page
        assert len(registry.in_state(State.CONNECTED, State.CONNECTING)) == 1

    def test_reconnecting(self, admin, begun, registry, sandbox, monkeypatch):
        admin.get(consent(begun))
        (connection,) = registry.in_state(State.CONNECTED)
        sandbox.tokens.revoke()
        registry.lose(connection.id, Reason.REVOKED, "load")
        page = admin.get(HOME).text
        assert "Access was revoked in Sentry." in page
        assert "What was collected is kept until" in page

        started = []
        monkeypatch.setattr(airflow, "start_load", lambda *who: started.append(who[0]) or True)
        path = f"/integrations/sentry/{connection.id}/reconnect"
        admin.get(consent(authorize_url(admin.press(path))))
        assert registry.get(connection.id).state is State.CONNECTED
        assert started == [connection.id]
        assert "connected again, and loads go on where they stopped" in admin.message()

    def test_broader_scopes(self, admin, sandbox, nothing_connected):
        sandbox.behaviours.set(
            granted_scopes=frozenset({"org:read", "project:read", "event:read", "org:write"})
        )
        admin.get(consent(authorize_url(admin.press(CONNECT))))
        assert "Sentry granted more than" in admin.message()

    def test_a_server_that_does_not_answer(self, admin, begun, sandbox, nothing_connected):
        back = consent(begun)
        sandbox.tokens.application.client_secret = "rotated"
        admin.get(back)
        assert admin.message()

    def test_without_an_application(self, admin, current):
        page = admin.get(HOME).text
        assert "There is no Airflow Connection sentry_oauth_app" in page
        assert f'id="redirect-uri">{SITE}{CALLBACK}</code>' in page
        assert "<button" not in page

    def test_from_another_name_of_this_airflow(self, admin, sandbox, current, nothing_connected):
        """Sentry would send the browser to where nobody is signed in."""
        told = {"Origin": "http://airflow.internal", "Host": "airflow.internal"}
        answer = admin.send(CONNECT, {"token": admin.token()}, **told)
        assert answer.headers["location"] == HOME
        assert f"Sentry sends people back to {SITE}" in admin.message()

    def test_without_an_address_of_airflows_own(self, admin, sandbox, current, monkeypatch):
        monkeypatch.delenv("AIRFLOW__API__BASE_URL")
        page = admin.get(HOME).text
        assert "Airflow does not know its own address" in page
        assert "Connect Sentry</button>" not in page


@pytest.mark.usefixtures("nothing_connected")
class TestAttacks:
    def _is_refused(self, browser, address):
        answer = browser.get(address)
        assert answer.status_code == 303
        assert answer.headers["location"] == HOME
        assert "belongs to nothing that was asked for here" in browser.message()

    @pytest.mark.parametrize("state", ["", "x", "a" * 43, "0' or '1'='1", "%00", "é"])
    def test_a_forged_state(self, state, admin, begun):
        code = query(consent(begun))["code"]
        self._is_refused(admin, str(httpx.URL(CALLBACK, params={"code": code, "state": state})))

    @pytest.mark.parametrize("extra", ["&".join(["a=1"] * 50), "code", "%", "state[]=1", "=&="])
    def test_an_odd_query(self, extra, admin, current):
        self._is_refused(admin, f"{CALLBACK}?{extra}")

    def test_no_state(self, admin, begun):
        self._is_refused(admin, f"{CALLBACK}?code={query(consent(begun))['code']}")

    def test_an_expired_state(self, admin, begun, registry):
        back = consent(begun)
        with services().registry.database.writing() as session:
            past = datetime.now(UTC) - timedelta(seconds=1)
            session.execute(update(AuthorizationRow).values(expires_at=past))
        self._is_refused(admin, back)

    def test_another_users_state(self, begun, admin, sign_in):
        """Even in the browser of whoever asked, where somebody else is signed in by now."""
        back = consent(begun)
        other = sign_in("op")
        other.client.cookies.set(FLOW, admin.client.cookies[FLOW], path="/integrations/sentry")
        self._is_refused(other, back)

    def test_another_browser(self, begun, sign_in):
        self._is_refused(sign_in("admin"), consent(begun))

    def test_a_code_from_another_session(self, admin, begun, sign_in):
        """The victim is made to open the attacker's answer: the attacker's Sentry, our victim."""
        attacker = sign_in("op")
        theirs = consent(authorize_url(attacker.press(CONNECT)))
        self._is_refused(admin, theirs)

    def test_the_attackers_code_with_the_victims_state(self, admin, begun, sign_in):
        attacker = sign_in("op")
        theirs = query(consent(authorize_url(attacker.press(CONNECT))))
        state = query(begun)["state"]
        admin.get(f"{CALLBACK}?code={theirs['code']}&state={state}")
        # PKCE: the code belongs to another challenge.
        assert "Sentry does not accept this authorization" in admin.message()

    def test_an_error_is_never_shown(self, admin, begun):
        state = query(begun)["state"]
        params = {"error": "<script>alert(1)</script>", "state": state}
        params["error_description"] = "call 0900-EVIL"
        admin.get(str(httpx.URL(CALLBACK, params=params)))
        page = admin.get(HOME).text
        assert "EVIL" not in page
        assert "alert(" not in page

    def test_a_viewer_with_a_good_answer(self, begun, sign_in, admin):
        back = consent(begun)
        viewer = sign_in("viewer", "admin-1")
        viewer.client.cookies.set(FLOW, admin.client.cookies[FLOW], path="/integrations/sentry")
        assert viewer.get(back).status_code == 403

    def test_nobody_with_a_good_answer(self, begun, sign_in, admin):
        back = consent(begun)
        nobody = sign_in(None)
        nobody.client.cookies.set(FLOW, admin.client.cookies[FLOW], path="/integrations/sentry")
        answer = nobody.get(back)
        assert answer.status_code == 303
        assert query(back)["code"] not in str(answer.headers)
        assert query(back)["state"] not in str(answer.headers)

    def test_by_post(self, admin, begun):
        assert admin.client.post(consent(begun)).status_code == 405


def test_a_replayed_answer(admin, begun, registry):
    nonce = admin.client.cookies[FLOW]
    back = consent(begun)
    admin.get(back)
    admin.message()
    admin.client.cookies.set(FLOW, nonce, path="/integrations/sentry")
    admin.get(back)
    assert "belongs to nothing" in admin.message()
    assert len(registry.in_state(State.CONNECTED)) == 1


class TestLogs:
    def _watch(self, caplog):
        caplog.set_level(logging.DEBUG)
        for name in ("oauthlib", "requests_oauthlib", "httpx", "httpcore", "urllib3", "sqlalchemy"):
            logging.getLogger(name).setLevel(logging.DEBUG)

    def test_no_token_code_or_secret_at_debug(self, admin, sandbox, caplog, capfd, registry):
        self._watch(caplog)
        with structlog.testing.capture_logs() as structured:
            address = authorize_url(admin.press(CONNECT))
            back = consent(address)
            nonce = admin.client.cookies[FLOW]
            # The browser's own client has logged the way to Sentry and back.
            caplog.clear()
            capfd.readouterr()
            before = len(structured)
            admin.get(back)
            admin.get(HOME)
        (connection,) = registry.in_state(State.CONNECTED)
        held = registry.tokens.of(connection.id)
        secrets = [held.token, held.refresh_token, query(back)["code"], query(back)["state"]]
        secrets += [nonce, "sandbox-client-secret", held.salt.hex()]
        printed = "".join(capfd.readouterr())
        ours = "\n".join(
            one.getMessage() for one in caplog.records if not one.name.startswith("httpx")
        )
        logged = f"{ours}\n{structured[before:]}\n{printed}"
        for secret in secrets:
            assert secret not in logged
        (access,) = [one for one in structured[before:] if one.get("path") == CALLBACK]
        assert access["query"] == ""
        assert access["status_code"] == 303

    def test_the_masker_is_given_nothing_by_strangers(self, sign_in, current, monkeypatch):
        hidden = []
        monkeypatch.setattr(routes, "hide", hidden.append)
        address = f"{CALLBACK}?code={'c' * 40}&state={'s' * 40}"
        with structlog.testing.capture_logs() as structured:
            sign_in(None).get(address)
            sign_in("viewer").get(address)
        assert hidden == []
        assert "cccc" not in str(structured)
        sign_in("op").get(address)
        assert hidden == ["c" * 40, "s" * 40]

    @pytest.mark.parametrize(
        "word", ["Airflow", "success", "a b c d e f g h i j k l m n", "x" * 600]
    )
    def test_no_ordinary_word_is_masked(self, word, admin, monkeypatch):
        hidden = []
        monkeypatch.setattr(routes, "hide", hidden.append)
        admin.get(str(httpx.URL(CALLBACK, params={"code": word, "state": word})))
        assert hidden == []

    def test_airflow_masks_what_it_is_given(self, app):
        from airflow._shared.secrets_masker import redact  # noqa: PLC0415

        hide("a-code-that-was-hidden-1234")
        assert "a-code-that-was-hidden" not in redact("x=a-code-that-was-hidden-1234")

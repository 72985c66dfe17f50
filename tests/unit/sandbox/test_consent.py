"""The consent page: what it shows, whom it refuses, and where an answer leads."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from include.sandbox.application import Application
from include.sandbox.browser_sessions import MAX_KEPT, BrowserSessions
from include.sandbox.server import running

CALLBACK = "http://127.0.0.1:8123/callback"
SCOPES = "project:read org:read event:read"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
ASKED = {
    "client_id": "sandbox-client",
    "response_type": "code",
    "redirect_uri": CALLBACK,
    "scope": SCOPES,
    "state": "st&te",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
GLOBEX = {"id": "4507310045009999", "slug": "globex"}


class Form(HTMLParser):
    """Names and values of everything a page can send."""

    def __init__(self, text):
        super().__init__()
        self.fields, self.buttons, self.choices = {}, {}, []
        self._button = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "button":
            self._button = (given["name"], given["value"])
        elif tag == "input" and given["type"] == "hidden":
            self.fields[given["name"]] = given["value"]
        elif tag == "input":
            self.choices.append((given["name"], given["value"]))

    def handle_data(self, data):
        if self._button is not None:
            self.buttons[data.strip()] = self._button
            self._button = None


class Browser:
    """A browser without scripts, which does not follow redirects."""

    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.client = httpx.Client(base_url=sandbox.base_url)

    def open(self, **changes):
        asked = {k: v for k, v in (ASKED | changes).items() if v is not None}
        return self.client.get("/oauth/authorize/", params=asked)

    def answer(self, page, button, **more):
        form = Form(page.text)
        name, value = form.buttons[button]
        return self.client.post(page.request.url, data=form.fields | {name: value} | more)

    def approve(self, **changes):
        return self.answer(self.open(**changes), "Approve")


def came_back(response):
    """Address and parameters of a redirect."""
    assert response.status_code == 302, response.text
    parts = urlsplit(response.headers["Location"])
    params = {name: values[0] for name, values in parse_qs(parts.query).items()}
    return f"{parts.scheme}://{parts.netloc}{parts.path}", params


@pytest.fixture
def browser(organization):
    with running(organization) as sandbox:
        yield Browser(sandbox)


def test_the_page_says_what_it_is_who_asks_and_for_what(browser):
    page = browser.open()

    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/html")
    assert "Sandbox &ndash; a stand-in Sentry" in page.text
    assert "Corvana would like to connect" in page.text
    assert all(f"<code>{scope}</code>" in page.text for scope in SCOPES.split())
    assert Form(page.text).buttons == {"Approve": ("op", "approve"), "Deny": ("op", "deny")}
    assert "<script" not in page.text


def test_the_page_cannot_be_framed_or_kept_and_lets_its_form_redirect(browser):
    headers = browser.open().headers
    policy = headers["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action" not in policy
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"
    cookie = headers["Set-Cookie"]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=Lax", "Path=/oauth/authorize/"))


def test_the_names_of_others_are_text_and_never_markup(browser):
    browser.sandbox.tokens.application.name = "<b>Mallory</b>"

    assert "<b>Mallory" not in browser.open().text
    assert "&lt;b&gt;Mallory&lt;/b&gt;" in browser.open().text


def test_an_approval_sends_back_a_code_and_the_state(browser):
    address, params = came_back(browser.approve())

    assert address == CALLBACK
    assert params.keys() == {"code", "state"}
    assert params["state"] == "st&te"
    assert re.fullmatch("[0-9a-f]{64}", params["code"])
    assert browser.sandbox.tokens.issued == [params["code"]]


def test_a_denial_sends_back_an_error_and_the_state(browser):
    denied = browser.answer(browser.open(), "Deny")

    assert came_back(denied) == (CALLBACK, {"error": "access_denied", "state": "st&te"})
    assert browser.sandbox.tokens.issued == []


def test_without_a_state_none_comes_back_and_parameters_of_the_redirect_stay(browser):
    redirect_uri = "http://127.0.0.1/back?tenant=a%26b"
    browser.sandbox.tokens.application.redirect_uris = (redirect_uri,)
    denied = browser.answer(browser.open(state=None, redirect_uri=redirect_uri), "Deny")

    assert came_back(denied)[1] == {"tenant": "a&b", "error": "access_denied"}


@pytest.mark.parametrize(
    ("change", "parameter"),
    [
        ({"client_id": "unknown"}, "client_id"),
        ({"client_id": None}, "client_id"),
        ({"redirect_uri": None}, "redirect_uri"),
        ({"redirect_uri": "https://evil.example/callback"}, "redirect_uri"),
        ({"redirect_uri": CALLBACK + "/more"}, "redirect_uri"),
        ({"redirect_uri": "http://127.0.0.1:x/callback"}, "redirect_uri"),
        ({"redirect_uri": "javascript:alert(1)"}, "redirect_uri"),
        ({"response_type": "token"}, "client_id"),
        ({"response_type": None}, "client_id"),
    ],
)
def test_who_cannot_be_placed_gets_a_page_and_is_sent_nowhere(browser, change, parameter):
    refused = browser.open(**change)

    assert refused.status_code == 400
    assert refused.headers["Content-Type"].startswith("text/html")
    assert "Location" not in refused.headers
    assert f"Missing or invalid {parameter} parameter." in refused.text


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"scope": "org:read everything"}, "invalid_scope"),
        ({"scope": "org:read,event:read"}, "invalid_scope"),
        ({"scope": "org:read  event:read"}, "invalid_scope"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": CHALLENGE[:42]}, "invalid_request"),
        ({"code_challenge": "a" * 129}, "invalid_request"),
        ({"code_challenge": CHALLENGE[:-1] + "="}, "invalid_request"),
    ],
)
def test_the_client_is_told_what_else_is_wrong(browser, change, error):
    assert came_back(browser.open(**change)) == (CALLBACK, {"error": error, "state": "st&te"})


def test_pkce_may_be_left_out_by_a_confidential_client(browser):
    page = browser.open(code_challenge=None, code_challenge_method=None)

    assert page.status_code == 200


ONLY = "http://127.0.0.1/callback"


@pytest.mark.parametrize(
    ("registered", "asked", "is_good"),
    [
        (ONLY, "http://127.0.0.1:9/callback", True),
        (ONLY, "http://127.0.0.1/callback", True),
        (ONLY, "http://127.0.0.1/x/../callback", True),
        (ONLY, "http://127.0.0.1/callback/", False),
        (ONLY, "http://127.0.0.1:9/callback?x=1", False),
        (ONLY, "http://localhost:9/callback", False),
        (ONLY, "https://127.0.0.1:9/callback", False),
        (ONLY, "http://127.0.0.1.evil.example/callback", False),
        ("http://[::1]/callback", "http://[::1]:9/callback", True),
        ("http://127.0.0.1:8080/callback", "http://127.0.0.1:9/callback", False),
        ("http://app.example/callback", "http://app.example:9/callback", False),
        ("https://app.example/callback", "https://app.example/callback", True),
    ],
)
def test_a_redirect_is_exact_but_for_the_port_on_this_machine(registered, asked, is_good):
    application = Application(redirect_uris=(registered,))

    assert application.accepts(asked, is_legacy=False) is is_good


def test_a_legacy_application_sends_users_to_whatever_begins_like_its_redirect(browser):
    longer = "http://127.0.0.1/callback.evil"
    assert browser.open(redirect_uri=longer).status_code == 400
    with browser.sandbox.behaviours.during(legacy_redirect_uris=True):
        assert came_back(browser.approve(redirect_uri=longer))[0] == longer
        assert browser.open(redirect_uri="https://evil.example/").status_code == 400


def test_the_only_registered_redirect_may_be_left_out(browser):
    browser.sandbox.tokens.application.redirect_uris = ("https://app.example/callback",)

    assert came_back(browser.approve(redirect_uri=None))[0] == "https://app.example/callback"


def test_who_has_consented_before_is_not_asked_again(browser):
    browser.approve()
    again = came_back(browser.open(scope="org:read", state="other"))[1]

    assert again["state"] == "other"
    assert again["code"] == browser.sandbox.tokens.issued[-1]
    assert browser.open(scope=f"{SCOPES} team:read").status_code == 200
    assert browser.open(force_prompt="true").status_code == 200
    with browser.sandbox.behaviours.during(silent_consent=False):
        assert browser.open().status_code == 200


def test_the_first_token_is_no_consent_and_a_denial_neither(browser):
    browser.answer(browser.open(), "Deny")

    assert browser.open().status_code == 200


def test_a_removed_application_asks_again(browser):
    url = f"{browser.sandbox.base_url}/sandbox/tokens"
    browser.approve()
    httpx.post(url, json={"action": "revoke"})

    assert browser.open().status_code == 200
    httpx.post(url, json={"action": "grant"})
    assert browser.open().status_code == 302


def test_an_answer_from_elsewhere_is_refused(browser):
    page = browser.open()
    fields = Form(page.text).fields | {"op": "approve"}
    token = next(iter(fields))
    stranger = httpx.Client(base_url=browser.sandbox.base_url)
    refused = [
        stranger.post("/oauth/authorize/", data=fields),
        browser.client.post("/oauth/authorize/", data={"op": "approve"}),
        browser.client.post("/oauth/authorize/", data=fields | {token: "guessed"}),
        browser.client.post("/oauth/authorize/", json=fields),
    ]

    assert {one.status_code for one in refused} == {403}
    assert browser.sandbox.tokens.issued == []
    other = browser.client.post("/oauth/authorize/", data=fields | {"op": "perhaps"})
    assert other.status_code == 400


def test_of_two_open_pages_the_last_one_counts_as_in_sentrys_session(browser):
    first = browser.open(state="first")
    browser.open(state="second")

    assert came_back(browser.answer(first, "Approve"))[1]["state"] == "second"


def test_the_number_of_sessions_is_bounded():
    sessions = BrowserSessions()
    keys = [sessions.ask(None, None).key for _ in range(MAX_KEPT + 1)]

    assert sessions.find(keys[0]) is None
    assert sessions.find(keys[-1]).key == keys[-1]


def test_an_application_that_was_switched_off_meanwhile_is_unknown(browser):
    page = browser.open()
    with browser.sandbox.behaviours.during(account="application-inactive"):
        assert browser.open().status_code == 400
        assert browser.answer(page, "Approve").status_code == 400


@pytest.fixture
def choosing(browser):
    """A browser whose user is in two organizations and has to choose one."""
    browser.sandbox.behaviours.set(requires_org_level_access=True, other_organizations=[GLOBEX])
    return browser


def test_one_organization_has_to_be_chosen(choosing, organization):
    page = choosing.open()
    form = Form(page.text)

    name = "selected_organization_id"
    assert form.choices == [(name, organization.id), (name, GLOBEX["id"])]
    assert organization.slug in page.text
    assert "globex" in page.text
    for chosen, error in (("", "invalid_request"), ("1", "unauthorized_client")):
        refused = choosing.answer(page, "Approve", **{name: chosen})
        assert came_back(refused)[1] == {"error": error, "state": "st&te"}
    assert "code" in came_back(choosing.answer(page, "Approve", **{name: GLOBEX["id"]}))[1]
    assert choosing.open().status_code == 200


def test_such_an_application_has_a_limit_of_scopes(choosing):
    assert came_back(choosing.open(scope="team:read"))[1]["error"] == "invalid_scope"


def test_without_an_organization_there_is_nothing_to_choose(choosing):
    choosing.sandbox.behaviours.set(other_organizations=[], account="removed")

    assert "members of an organization" in choosing.open().text


def test_no_choice_is_offered_or_heeded_where_none_is_required(browser):
    browser.sandbox.behaviours.set(other_organizations=[GLOBEX])
    page = browser.open()

    assert Form(page.text).choices == []
    answer = browser.answer(page, "Approve", selected_organization_id=GLOBEX["id"])
    assert "code" in came_back(answer)[1]


def test_regions_have_no_consent_page_and_only_two_methods_are_known(browser):
    assert browser.client.put("/oauth/authorize/").status_code == 405
    with browser.sandbox.behaviours.during(moved_to="https://de.sentry.io", is_control_silo=False):
        assert browser.open().status_code == 404
    with browser.sandbox.behaviours.during(moved_to="https://de.sentry.io"):
        assert browser.open().status_code == 200


def test_visits_are_logged_under_a_name_of_their_own_and_faults_must_name_it(browser):
    browser.sandbox.behaviours.set(faults=[{"kind": "html_503"}])
    assert browser.open().status_code == 200
    browser.sandbox.behaviours.set(faults=[{"kind": "html_503", "routes": ["oauth-authorize"]}])
    assert browser.open().status_code == 503
    assert browser.sandbox.requests.by_route == {"oauth-authorize": 2}

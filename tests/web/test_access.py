"""Who may do what: every route, every role."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from include.connections.registry import CHOOSING
from include.purge.receipts import Draft, Kind, open_receipts
from tests.web.conftest import HOME, MAY_CONNECT, ROLES

LOGIN = "/api/v2/auth/login?next=%2Fintegrations%2F"

PAGES = {
    # path: who sees it
    "/integrations/": set(ROLES),
    "/integrations/?page=2": set(ROLES),
    "/integrations/sentry/data": set(ROLES),
    "/integrations/sentry/receipts": set(ROLES),
    "/integrations/sentry/receipts/1": set(ROLES),
    "/integrations/sentry/receipts/1/json": set(ROLES),
    "/integrations/sentry/receipts/1/html": set(ROLES),
    "/integrations/sentry/callback?code=x&state=y": MAY_CONNECT,
    "/integrations/sentry/{id}/organization": MAY_CONNECT,
    "/integrations/sentry/{id}/disconnect": MAY_CONNECT,
}
NUMBERED = {"/1": "/{number}", "/1/json": "/{number}/{form}", "/1/html": "/{number}/{form}"}
PARTS = {
    "/integrations/sentry/status": set(ROLES),
    "/integrations/static/integrations.css": set(ROLES),
    "/integrations/static/integrations.js": set(ROLES),
    "/integrations/static/navigation.js": set(ROLES),
    "/integrations/static/icon.svg": set(ROLES),
}
CHANGES = (
    "/integrations/sentry/connect",
    "/integrations/sentry/{id}/reconnect",
    "/integrations/sentry/{id}/organization",
    "/integrations/sentry/{id}/schedule",
    "/integrations/sentry/{id}/load",
    "/integrations/sentry/{id}/disconnect",
)


@pytest.fixture(autouse=True)
def receipt(registry):
    """The receipt that is the first one."""
    return open_receipts(registry).append(Draft(kind=Kind.PURGE, connection="c0"))


def test_every_route_is_in_these_tables():
    from include.web import receipts, routes  # noqa: PLC0415

    known = {("GET", path.split("?")[0]) for path in (*PAGES, *PARTS)}
    known |= {("POST", path) for path in CHANGES}
    known = {
        (method, path.replace("{id}", "{connection_id}").removeprefix("/integrations"))
        for method, path in known
        if "/static/" not in path
    }
    known = {
        (method, re.sub("/1(/json|/html)?$", lambda end: NUMBERED[end[0]], path))
        for method, path in known
    }
    routes = {
        (method, route.path)
        for route in (*routes.router.routes, *receipts.router.routes)
        for method in route.methods
        if "/static/" not in route.path
    }
    assert known == routes


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("role", ROLES)
def test_pages(path, role, sign_in, connect):
    connection = connect()
    answer = sign_in(role).get(path.format(id=connection.id))
    if role in PAGES[path]:
        # The callback and the choice of a connected organization lead back to the page.
        assert answer.status_code in {200, 303}
        assert answer.headers.get("location", HOME) == HOME
    else:
        assert answer.status_code == 403
        assert "role Op or Admin" in answer.text


@pytest.mark.parametrize("path", PARTS)
@pytest.mark.parametrize("role", ROLES)
def test_parts(path, role, sign_in, connect):
    connect()
    assert sign_in(role).get(path).status_code == 200


@pytest.mark.parametrize("path", PAGES)
def test_nobody_is_sent_to_sign_in_without_what_they_asked(path, sign_in, connect):
    answer = sign_in(None).get(path.format(id=connect().id))
    assert answer.status_code == 303
    assert answer.headers["location"] == LOGIN


@pytest.mark.parametrize("path", PARTS)
def test_nobody_gets_no_part(path, sign_in, current):
    assert sign_in(None).get(path).status_code == 401


@pytest.mark.parametrize("path", CHANGES)
@pytest.mark.parametrize("role", [None, *ROLES])
def test_changes(path, role, sign_in, connect, registry):
    connection = connect()
    before = registry.get(connection.id)
    browser = sign_in(role)
    if role is None:
        fields = {"token": "x", "schedule": "daily"}
        answer = browser.send(path.format(id=connection.id), fields, Origin="http://testserver")
        assert answer.status_code == 401
    else:
        # A viewer's page has no form: the token is made as the page would.
        answer = browser.press(path.format(id=connection.id), schedule="daily")
        assert answer.status_code == (303 if role in MAY_CONNECT else 403), answer.text
    if role not in MAY_CONNECT:
        assert registry.get(connection.id) == before


@pytest.mark.parametrize("role", sorted(set(ROLES) - MAY_CONNECT))
def test_who_may_only_look_sees_no_button(role, sign_in, connect, registry):
    connect()
    page = sign_in(role).get(HOME).text
    assert "<form" not in page
    assert "<button" not in page
    assert "Disconnect" not in page
    assert "Ask whoever runs Airflow" in page


@pytest.mark.parametrize(
    "path",
    [
        "/integrations//evil.example/",
        "/integrations/?next=https://evil.example/",
        "/integrations/%2f%2fevil.example",
        "/integrations/\\evil.example",
        "/integrations/sentry/callback?next=//evil.example&state=https://evil.example",
    ],
)
@pytest.mark.parametrize("role", [None, "admin"])
def test_no_address_leads_elsewhere(path, role, sign_in, current):
    answer = sign_in(role).get(path)
    to = urlsplit(answer.headers.get("location", ""))
    assert (to.scheme, to.netloc) == ("", "")
    assert to.path in {"", "/api/v2/auth/login", HOME}
    assert parse_qs(to.query) in ({}, {"next": [HOME]})
    assert "evil" not in answer.text


def test_a_bad_token_is_nobody(sign_in, current):
    browser = sign_in(None)
    browser.client.cookies.set("_token", "eyJhbGciOiJub25lIn0.e30.")
    answer = browser.get(HOME)
    assert answer.status_code == 303
    assert answer.headers["location"] == LOGIN


@pytest.mark.parametrize(
    "path", ["/docs", "/redoc", "/openapi.json", "/sentry/", "/static/../app.py"]
)
def test_there_is_nothing_else(path, admin):
    assert admin.get(f"/integrations{path}").status_code == 404


@pytest.mark.parametrize("name", ["..%2fapp.py", "%2e%2e/app.py", "integrations.css%00", "x.css"])
def test_no_other_file_is_served(name, admin):
    answer = admin.get(f"/integrations/static/{name}")
    assert answer.status_code == 404


@pytest.mark.parametrize("path", [*CHANGES])
def test_changes_are_no_links(path, admin, connect):
    answer = admin.get(path.format(id=connect().id))
    # Two of them have a page at the same address, which changes nothing.
    assert answer.status_code in {200, 303, 405}
    assert "evil" not in answer.headers.get("location", "")


@pytest.mark.parametrize("what", ["organization", "disconnect"])
def test_unknown_connections(what, admin):
    answer = admin.get(f"/integrations/sentry/c0000000000000000/{what}")
    assert answer.status_code == 404
    assert admin.press("/integrations/sentry/<script>/load").status_code == 404


def test_only_who_began_chooses(sign_in, registry):
    from include.connections.tokens import Grant  # noqa: PLC0415

    grant = Grant("t", None, None, frozenset())
    begun = registry.begin("https://sentry.io", grant, "admin-1")
    other = sign_in("op")
    path = f"/integrations/sentry/{begun.id}/organization"
    page = other.get(HOME).text
    assert "admin-1 has to choose the organization." in page
    assert "Choose the organization</a>" not in page
    assert other.get(path).headers["location"] == HOME
    assert "another user has to" in other.message()
    assert other.press(path, organization="1").headers["location"] == HOME
    assert registry.get(begun.id).organization_id is None
    assert CHOOSING.total_seconds() == 1800

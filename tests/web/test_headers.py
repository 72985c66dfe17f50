"""What every answer carries, whatever it is."""

import re

import pytest

from include.web import routes
from tests.web.conftest import HOME

POLICY = {
    "default-src": "'none'",
    "style-src": "'self'",
    "script-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}

ASKED = [
    (None, "GET", "/integrations/"),
    (None, "POST", "/integrations/sentry/connect"),
    (None, "GET", "/integrations/static/integrations.css"),
    (None, "GET", "/integrations/sentry/callback?code=a&state=b"),
    ("viewer", "GET", "/integrations/"),
    ("viewer", "GET", "/integrations/sentry/status"),
    ("viewer", "GET", "/integrations/sentry/callback?code=a&state=b"),
    ("viewer", "POST", "/integrations/sentry/connect"),
    ("admin", "GET", "/integrations/"),
    ("admin", "GET", "/integrations/sentry/callback?code=a&state=b"),
    ("admin", "GET", "/integrations/sentry/data"),
    ("admin", "GET", "/integrations/sentry/cx/disconnect"),
    ("admin", "GET", "/integrations/nothing"),
    ("admin", "GET", "/integrations/static/icon.svg"),
    ("admin", "PUT", "/integrations/sentry/connect"),
    ("admin", "POST", "/integrations/sentry/connect"),
    ("admin", "GET", "/integrations/?page=x"),
]


@pytest.mark.parametrize(("role", "method", "path"), ASKED)
def test_every_answer_is_guarded(role, method, path, sign_in, current):
    answer = sign_in(role).client.request(method, path)
    _is_guarded(answer)
    expected = "no-referrer" if "/callback" in path else "same-origin"
    assert answer.headers["referrer-policy"] == expected
    if "/static/" not in path:
        assert answer.headers["cache-control"] == "no-store"


def _is_guarded(answer):
    policy = dict(
        part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; ")
    )
    assert policy == POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers.get_list("content-security-policy") == [
        answer.headers["content-security-policy"]
    ]


def test_an_unforeseen_error_too_and_it_says_nothing(admin, current, monkeypatch, caplog):
    def fail(*_):
        raise RuntimeError("the password is hunter2")

    monkeypatch.setattr(routes, "look", fail)
    answer = admin.get(HOME)
    assert answer.status_code == 500
    assert "hunter2" not in answer.text
    assert "Something went wrong here" in answer.text
    _is_guarded(answer)


def test_settings_that_are_wrong_are_a_page_that_says_which(admin, monkeypatch):
    from include.settings import InvalidSettings  # noqa: PLC0415
    from include.web import services  # noqa: PLC0415

    def fail():
        raise InvalidSettings("CORVANA_X is 'no': it must be yes, for example yes.")

    monkeypatch.setattr(services, "settings", fail)
    answer = admin.get(HOME)
    assert answer.status_code == 503
    assert "CORVANA_X" in answer.text
    _is_guarded(answer)


@pytest.mark.parametrize("path", ["/integrations/", "/integrations/sentry/data"])
def test_nothing_inline_and_nothing_from_elsewhere(path, admin, connect):
    connect()
    page = admin.get(path).text
    assert not re.search(r"<style|\sstyle=|<script(?![^>]*\ssrc=)|\son[a-z]+=|javascript:", page)
    for address in re.findall(r'(?:src|href|action)="([^"]*)"', page):
        assert address.startswith(("/", "#")), address
        assert not address.startswith("//")


def test_cookies(admin, current):
    (cookie,) = admin.get(HOME).headers.get_list("set-cookie")
    assert cookie.startswith("corvana_browser=")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/integrations" in cookie
    assert "Secure" not in cookie


def test_cookies_are_for_https_where_that_is_the_address(admin, current, monkeypatch):
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example")
    (cookie,) = admin.get(HOME).headers.get_list("set-cookie")
    assert "Secure" in cookie


def test_other_pages_of_airflow_are_left_alone(admin):
    assert "content-security-policy" not in admin.get("/api/v2/version").headers

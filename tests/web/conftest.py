"""Airflow's API server with the page in it, a registry of each test's own, and people."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from fastapi.testclient import TestClient

from include.connections.registry import Connection, Registry
from include.connections.tokens import Grant
from include.sandbox.behaviours import OtherOrganization
from include.sandbox.generate import DEFAULT_NOW, generate
from include.sandbox.server import Running, running
from include.settings import Settings
from include.web import services as services_module
from include.web.services import services
from include.web.signing import BROWSER, form_token

SITE = "http://testserver"
HOME = "/integrations/"
ROLES = ("admin", "op", "user", "viewer")
MAY_CONNECT = {"admin", "op"}
TOKEN = re.compile(r'name="token" value="([^"]+)"')
SCOPES = frozenset({"org:read", "project:read", "event:read"})
OTHER = OtherOrganization(id="4507310012349999", slug="second-shop")


@pytest.fixture(scope="session")
def app():
    from airflow.api_fastapi.app import create_app  # noqa: PLC0415 - slow
    from airflow.utils.db import initdb  # noqa: PLC0415

    initdb()
    return create_app("core")


@pytest.fixture(autouse=True)
def own_address(monkeypatch):
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", SITE)


@pytest.fixture
def current(tmp_path, monkeypatch) -> Settings:
    """Settings of this test alone, which the page uses too."""
    made = Settings(data_dir=tmp_path / "data", revoked_retention_days=30)
    monkeypatch.setattr(services_module, "settings", lambda: made)
    return made


@pytest.fixture
def registry(current) -> Registry:
    return services().registry


@dataclass
class Browser:
    """A person at a browser; each has cookies of its own."""

    client: TestClient
    user: str

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.client.get(path, **options)

    def token(self) -> str:
        """The token of the forms on this browser's page; made here if there is none on it."""
        found = TOKEN.search(self.get(HOME).text)
        return form_token(self.user, self.client.cookies[BROWSER]) if found is None else found[1]

    def send(self, path: str, fields: dict[str, str], **headers: str) -> httpx.Response:
        """Send a form, as whatever page."""
        return self.client.post(path, data=fields, headers=headers)

    def press(self, path: str, **fields: str) -> httpx.Response:
        """Send a form of this browser's page, as a browser does."""
        told = {"Origin": SITE, "Sec-Fetch-Site": "same-origin"}
        return self.send(path, {"token": self.token(), **fields}, **told)

    def message(self) -> str:
        """The message on the page, which is shown once."""
        found = re.search(r'id="message".*?<p>(.*?)</p>', self.get(HOME).text, re.DOTALL)
        return "" if found is None else html.unescape(re.sub(r"<[^>]+>", "", found[1])).strip()


@pytest.fixture
def sign_in(app):
    """Return a function that gives a browser in which somebody is signed in, or nobody."""
    from airflow.api_fastapi.app import get_auth_manager  # noqa: PLC0415
    from airflow.api_fastapi.auth.managers.simple.user import (  # noqa: PLC0415
        SimpleAuthManagerUser,
    )

    def make(role: str | None, name: str | None = None) -> Browser:
        client = TestClient(app, base_url=SITE, follow_redirects=False)
        name = name or f"{role}-1"
        if role is not None:
            user = SimpleAuthManagerUser(username=name, role=role)
            client.cookies.set("_token", get_auth_manager().generate_jwt(user))
        return Browser(client, name)

    return make


@pytest.fixture
def admin(sign_in, current) -> Browser:
    return sign_in("admin")


@pytest.fixture
def connect(registry):
    """Return a function that gives a connected organization, without asking any Sentry."""
    numbers = count(1)

    def make(slug: str = "lumen-goods", base_url: str = "https://sentry.io") -> Connection:
        grant = Grant("an-access-token", "a-refresh-token", None, SCOPES)
        begun = registry.begin(base_url, grant, "admin-1")
        return registry.connect(begun.id, str(4507_000 + next(numbers)), slug, "admin-1")

    return make


@pytest.fixture(scope="session")
def organization():
    return generate(seed=11, now=DEFAULT_NOW, issues=30)


@pytest.fixture
def sandbox(organization, monkeypatch) -> Iterator[Running]:
    """A Sentry that knows this installation's OAuth application."""
    with running(organization, redirect_uris=(f"{SITE}/integrations/sentry/callback",)) as up:
        server = urlsplit(up.base_url)
        monkeypatch.setenv(
            "AIRFLOW_CONN_SENTRY_OAUTH_APP",
            f'{{"conn_type":"http","schema":"http","host":"{server.hostname}",'
            f'"port":{server.port},"login":"sandbox-client",'
            '"password":"sandbox-client-secret"}',
        )
        yield up


def authorize_url(answer: httpx.Response) -> str:
    """The address that the page before Sentry leads to."""
    assert answer.status_code == 200, answer.text
    found = re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', answer.text)
    assert found is not None
    return html.unescape(found[1])


def consent(address: str, answer: str = "approve") -> str:
    """Answer Sentry's question; returns where Sentry sends the browser, without the site."""
    with httpx.Client(trust_env=False) as browser:
        back = page = browser.get(address)
        if page.status_code == 200:  # else Sentry knows the answer already
            csrf = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
            assert csrf is not None
            back = browser.post(address, data={"csrfmiddlewaretoken": csrf[1], "op": answer})
    assert back.status_code == 302, back.text
    return back.headers["location"].removeprefix(SITE)


def query(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).query))


def ago(**units: float) -> datetime:
    return datetime.now(UTC) - timedelta(**units)

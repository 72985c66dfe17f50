"""Airflow's web server, a browser, and the pages in it as a person uses them."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from include.demo.processes import Servers
from include.demo.waiting import wait_for
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium")

USERS = {"admin": "admin", "olga": "op", "vera": "viewer"}
PASSWORD = "a password of the tests"
PHONE = {"width": 360, "height": 740}


@dataclass(frozen=True)
class Airflow:
    """Airflow's API server with its pages, and nothing else of it.

    Sentry is at 127.0.0.1 and this at localhost: other sites to a browser.
    """

    home: Path
    port: int
    env: Mapping[str, str]

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def log(self) -> Path:
        return self.home / "logs" / "api-server.log"


@dataclass(frozen=True)
class DemoAirflow:
    """The demo's whole Airflow."""

    url: str


def airflow_env(home: Path, port: int, data: Path) -> dict[str, str]:
    """The environment of all of Airflow's parts; `home` holds what they write."""
    passwords = home / "passwords.json"
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")},
        "AIRFLOW_HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "AIRFLOW__API__BASE_URL": f"http://localhost:{port}",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://localhost:{port}/execution/",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(
            f"{name}:{role}" for name, role in USERS.items()
        ),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "CORVANA_DATA_DIR": str(data),
    }


def oauth_connection(sandbox: str) -> str:
    """The Airflow Connection of the sandbox's OAuth application, as a variable's value."""
    server = urlsplit(sandbox)
    return json.dumps(
        {
            "conn_type": "http",
            "schema": server.scheme,
            "host": server.hostname,
            "port": server.port,
            "login": "sandbox-client",
            "password": "sandbox-client-secret",
        }
    )


@contextmanager
def airflow_web(home: Path, data: Path, sandbox: str, *, debug: bool = False) -> Iterator[Airflow]:
    """Start Airflow's API server, with an empty database and the users of `USERS`."""
    home.mkdir(parents=True)
    port = free_port()
    env = airflow_env(home, port, data)
    env["AIRFLOW_CONN_SENTRY_OAUTH_APP"] = oauth_connection(sandbox)
    if debug:
        env["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "DEBUG"
    passwords = Path(env["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"])
    passwords.write_text(json.dumps(dict.fromkeys(USERS, PASSWORD)))
    command = [sys.executable, "-m", "airflow"]
    subprocess.run([*command, "db", "migrate"], env=env, check=True, capture_output=True)
    with Servers(home / "logs") as servers:
        serve = [*command, "api-server", "--apps", "core", "--host", "127.0.0.1"]
        servers.start("api-server", serve, env)

        def is_up() -> bool:
            with suppress(httpx.HTTPError):
                url = f"http://127.0.0.1:{port}/api/v2/version"
                return httpx.get(url, trust_env=False).is_success
            return False

        wait_for(is_up, servers.check, 120, "Airflow's API server did not start.")
        yield Airflow(home, port, env)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Debian's Chromium without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Watch:
    """What a browser did and complained of while it showed our page."""

    site: str
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def over(self, page: Page) -> None:
        def is_ours() -> bool:
            return page.url.startswith(f"{self.site}/integrations")

        page.on("request", lambda one: self.requests.append(one.url) if is_ours() else None)
        page.on(
            "console",
            lambda one: (
                self.complaints.append(f"{page.url}: {one.text}")
                if is_ours() and one.type in {"error", "warning"}
                else None
            ),
        )
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))

    def others(self, *allowed: str) -> list[str]:
        """The addresses elsewhere that were asked for."""
        return [
            url
            for url in self.requests
            if not any(url.startswith(site) for site in (self.site, "data:", *allowed))
        ]


def log_in(page: Page, name: str, password: str = PASSWORD) -> None:
    """Sign in on the page of Airflow that the browser was sent to."""
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/auth/login" not in url)


@dataclass(frozen=True)
class ConsentPage:
    """Sentry's question, in the sandbox."""

    page: Page

    def is_shown(self) -> None:
        expect(self.page.get_by_role("button", name="Approve")).to_be_visible()

    def allow(self) -> None:
        self.page.get_by_role("button", name="Approve").click()

    def deny(self) -> None:
        self.page.get_by_role("button", name="Deny").click()


@dataclass(frozen=True)
class IntegrationsPage:
    """The page Integrations."""

    page: Page
    airflow: "Airflow | DemoAirflow"

    def open(self) -> "IntegrationsPage":
        self.page.goto(f"{self.airflow.url}/integrations/")
        return self

    def open_as(self, name: str, password: str = PASSWORD) -> "IntegrationsPage":
        """Open it, and sign in on the way."""
        self.open()
        log_in(self.page, name, password)
        self.is_shown()
        return self

    def is_shown(self) -> None:
        """Wait for the page, at an address that says nothing."""
        self.page.wait_for_url(re.compile(r"/integrations/(#.*)?$"))
        expect(self.page.get_by_role("heading", level=1, name="Integrations")).to_be_visible()

    @property
    def message(self) -> Locator:
        return self.page.locator("#message")

    def connect(self) -> ConsentPage:
        """Ask to connect; Sentry's question comes next."""
        self.page.get_by_role("button", name="Connect Sentry").click()
        consent = ConsentPage(self.page)
        consent.is_shown()
        return consent

    def card(self, organization: str) -> "Card":
        heading = self.page.get_by_role("heading", level=3, name=organization, exact=True)
        return Card(self.page, self.page.get_by_role("article").filter(has=heading))


@dataclass(frozen=True)
class Card:
    """The card of a connection."""

    page: Page
    at: Locator

    @property
    def state(self) -> Locator:
        return self.at.locator(".pill")

    @property
    def headline(self) -> Locator:
        return self.at.locator(".headline")

    def figure(self, name: str) -> Locator:
        """A number of the card, e.g. `Rows for analysis`."""
        return self.at.locator(".figures > div").filter(has_text=name).locator("strong")

    def unfold(self, title: str) -> Locator:
        """Open a part of the card, e.g. `I don’t see any data`; returns what is in it."""
        part = self.at.locator("details").filter(has=self.page.get_by_text(title, exact=True))
        if part.get_attribute("open") is None:
            part.locator("summary").click()
        return part

    def load_now(self) -> None:
        self.at.get_by_role("button", name="Load now").click()

    def reconnect(self) -> ConsentPage:
        self.at.get_by_role("button", name="Reconnect").click()
        return ConsentPage(self.page)

    def set_schedule(self, words: str) -> None:
        self.at.get_by_label("Load", exact=True).select_option(words)
        self.at.get_by_role("button", name=re.compile("Save the schedule")).click()

    def disconnect(self) -> None:
        """Disconnect, and confirm it."""
        self.at.get_by_role("link", name="Disconnect…").click()
        self.page.get_by_role("button", name="Disconnect and delete").click()


def screenshot(page: Page | Locator, name: str) -> None:
    """Save a picture, only if somebody wants one: CORVANA_SCREENSHOTS names the folder."""
    if folder := os.environ.get("CORVANA_SCREENSHOTS"):
        options = {} if isinstance(page, Locator) else {"full_page": True}
        page.screenshot(path=Path(folder) / f"integrations-{name}.png", **options)


def violations(page: Page) -> list[tuple[str, str, list[str]]]:
    """Return what keeps people from using a page, as axe finds it: the rule, how bad, and where."""
    return [
        (one["id"], one["impact"], [node["html"][:200] for node in one["nodes"][:3]])
        for one in Axe().run(page).response["violations"]
    ]


def context(browser: Browser, watch: Watch | None = None, **options: object) -> BrowserContext:
    """A browser without a past."""
    made = browser.new_context(**{"viewport": {"width": 1180, "height": 900}, **options})
    made.set_default_timeout(15_000)
    if watch is not None:
        made.on("page", watch.over)
    return made

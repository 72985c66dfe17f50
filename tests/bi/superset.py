"""A Superset of the tests' own: its command line, its server, and a dashboard in a browser."""

import os
import secrets
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
from playwright.sync_api import Browser, Page, Response

from include.demo.processes import Servers
from include.demo.waiting import wait_for
from tests.ports import free_port

BIN = Path(__file__).parents[2] / ".venv-superset" / "bin"

USER = "analyst"
PASSWORD = "a password of the tests"
DASHBOARD = "/superset/dashboard/development-quality/"
SERVER = "superset"

OTHERS = ("AIRFLOW", "CORVANA", "DBT", "PYTHON", "SUPERSET", "VIRTUAL_ENV")
"""Begins the names of variables that are ours or another Superset's."""


@dataclass(frozen=True)
class Superset:
    """A Superset with its metadata in SQLite, an administrator, and nothing else."""

    home: Path
    port: int = field(default_factory=free_port)
    key: str = field(default_factory=lambda: secrets.token_urlsafe(42))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def env(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OTHERS)}
        return kept | {
            "HOME": str(self.home),
            "SUPERSET_HOME": str(self.home),
            "SUPERSET_SECRET_KEY": self.key,
        }

    def run(self, *arguments: str) -> None:
        """Run Superset's command line; fail with what it said if it fails."""
        done = subprocess.run(
            [BIN / "superset", *arguments],
            env=self.env,
            cwd=self.home,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}{done.stderr}"[-4000:]

    def set_up(self) -> None:
        self.run("db", "upgrade")
        named = ("--firstname", "Ada", "--lastname", "Analyst", "--email", "ada@localhost")
        self.run("fab", "create-admin", "--username", USER, "--password", PASSWORD, *named)
        self.run("init")

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Serve in one process with eight threads, so that queries meet in it."""
        where = ("--bind", f"127.0.0.1:{self.port}", "--timeout", "120")
        threads = ("--workers", "1", "--worker-class", "gthread", "--threads", "8")
        command = [str(BIN / "gunicorn"), *where, *threads, "superset.app:create_app()"]
        with Servers(self.home / "logs") as servers:
            servers.start(SERVER, command, self.env)
            wait_for(self._is_up, servers.check, 120, "Superset did not start.")
            yield

    def _is_up(self) -> bool:
        with suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/health", trust_env=False).is_success
        return False

    @contextmanager
    def api(self) -> Iterator[httpx.Client]:
        """Yield a client of Superset's API, signed in as `USER`."""
        with httpx.Client(base_url=self.url, trust_env=False, timeout=60) as client:
            who = {"username": USER, "password": PASSWORD, "provider": "db"}
            token = client.post("/api/v1/security/login", json=who).json()["access_token"]
            client.headers["Authorization"] = f"Bearer {token}"
            csrf = client.get("/api/v1/security/csrf_token/").json()["result"]
            client.headers.update({"X-CSRFToken": csrf, "Referer": self.url})
            yield client

    def open_files(self) -> set[Path]:
        """Return the files that the server's processes hold open."""
        listening = [
            connection.pid
            for connection in psutil.net_connections("tcp")
            if connection.laddr
            and connection.laddr.port == self.port
            and connection.status == psutil.CONN_LISTEN
        ]
        processes = {child for pid in listening if pid for child in _family(pid)}
        assert processes
        return {Path(file.path) for process in processes for file in process.open_files()}


def _family(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


@dataclass
class Asked:
    """A question that a dashboard asked for one of its charts, and Superset's answer."""

    query: dict[str, Any]
    status: int
    answer: dict[str, Any]

    @property
    def columns(self) -> list[str]:
        return list(self.answer["result"][0]["colnames"])

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        found = self.answer["result"][0]
        return [tuple(row[name] for name in found["colnames"]) for row in found["data"]]


@dataclass
class Shown:
    """A dashboard in a browser: its page, and the latest question for each chart by its name."""

    page: Page
    names: dict[int, str]
    asked: dict[str, Asked] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)

    def note(self, response: Response) -> None:
        """Keep what Superset answered to a chart's question."""
        if (
            not response.url.startswith("http://127.0.0.1")
            or "/api/v1/chart/data" not in response.url
        ):
            return
        query = response.request.post_data_json
        slice_id = query.get("form_data", {}).get("slice_id")
        if slice_id is not None:
            name = self.names[int(slice_id)]
            self.asked[name] = Asked(query, response.status, response.json())

    def chart(self, name: str) -> Any:
        return self.page.locator(f"[data-test-chart-name={name!r}]")


def charts(superset: Superset) -> dict[int, str]:
    """Return the names of Superset's charts by their ids there."""
    with superset.api() as api:
        found = api.get("/api/v1/chart/?q=(page_size:100)").json()["result"]
    return {one["id"]: one["slice_name"] for one in found}


def sign_in(browser: Browser, superset: Superset) -> Page:
    """Return a page on which `USER` is signed in, tall enough for the whole dashboard."""
    context = browser.new_context(viewport={"width": 1500, "height": 5200}, locale="en-GB")
    context.set_default_timeout(60_000)
    # Superset's pages count their visitors at a third party; nothing leaves this machine.
    context.route(lambda url: not url.startswith(superset.url), lambda route: route.abort())
    page = context.new_page()
    page.goto(f"{superset.url}/login/")
    page.get_by_label("Username").fill(USER)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/login" not in url)
    return page


def show(page: Page, superset: Superset, names: dict[int, str], filters: str = "") -> Shown:
    """Open the dashboard and wait until every chart has its answer and is drawn.

    Args:
        page: A page that is signed in.
        superset: Where.
        names: The charts by their ids.
        filters: What the filters are set to, as the page's address says it.
    """
    shown = Shown(page, names)

    def answered(response: Response) -> None:
        shown.note(response)

    page.on("response", answered)
    page.on("pageerror", lambda error: shown.complaints.append(str(error)))
    page.goto(f"{superset.url}{DASHBOARD}{filters}")
    page.locator("[data-test=chart-grid-component]").first.wait_for()
    _until(page, lambda: set(shown.asked) == set(names.values()))
    _until(page, lambda: page.locator("[data-test=loading-indicator]").count() == 0)
    page.wait_for_timeout(2000)  # charts are drawn by and by
    page.remove_listener("response", answered)
    return shown


def _until(page: Page, happened: Callable[[], bool], attempts: int = 240) -> None:
    for _ in range(attempts):
        if happened():
            return
        page.wait_for_timeout(500)
    raise AssertionError("The dashboard did not come to rest.")

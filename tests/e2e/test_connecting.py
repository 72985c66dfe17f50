"""From the page to the first marts and back: a browser, a whole Airflow, and the sandbox."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import duckdb
import httpx
import pytest
from playwright.sync_api import expect

from include.connections.registry import open_registry
from include.connections.states import State
from include.settings import PROJECT_ROOT, Settings
from tests.e2e.pages import (
    CHROMIUM,
    DemoAirflow,
    IntegrationsPage,
    Watch,
    chromium,
    context,
    screenshot,
)
from tests.ports import free_port

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(900),
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium (apt install chromium)"),
]

FIRST_DATA_S = 300
"""The promise: from Allow to published marts."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("connecting")


@pytest.fixture(scope="module")
def demo(folder):
    """The demo, which waits for somebody to connect; yields its Airflow, password, and sandbox."""
    airflow_port, sandbox_port = free_port(), free_port()
    ours = ("AIRFLOW", "CORVANA")
    env = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "include.demo", "--connect-yourself"),
            *("--airflow-port", str(airflow_port), "--sandbox-port", str(sandbox_port)),
        ],
        cwd=PROJECT_ROOT,
        env=env | {"CORVANA_DATA_DIR": str(folder), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            printed = ""
            while (found := re.search(r"admin, password (\S+), and connect", printed)) is None:
                line = process.stdout.readline()
                assert line, printed
                printed += line
            sandbox = f"http://127.0.0.1:{sandbox_port}"
            yield DemoAirflow(f"http://127.0.0.1:{airflow_port}"), found[1], sandbox
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)


@pytest.fixture(scope="module")
def page(demo):
    airflow, password, sandbox = demo
    watch = Watch(airflow.url)
    with chromium() as browser, context(browser, watch) as ctx:
        yield IntegrationsPage(ctx.new_page(), airflow).open_as("admin", password)
    assert watch.complaints == []
    assert watch.others(f"{sandbox}/oauth/authorize/") == []


@pytest.fixture(scope="module")
def registry(folder):
    return open_registry(Settings(data_dir=folder))


def rows(folder, connection):
    with duckdb.connect(str(folder / "published" / "corvana.duckdb"), read_only=True) as views:
        query = "select count(*) from release_stability where connection_id = ?"
        return views.execute(query, [connection.id]).fetchall()[0][0]


def test_from_allow_to_the_first_data(page, folder, registry):
    page.connect().allow()
    allowed = time.monotonic()
    page.is_shown()
    card = page.card("lumen-goods")
    expect(card.state).to_have_text("Connected")
    expect(card.headline).to_contain_text("first load running", timeout=90_000)
    expect(card.headline).to_contain_text("reading from Sentry", timeout=60_000)
    expect(card.at.get_by_role("progressbar").first).to_be_visible()
    screenshot(page.page, "first-load")
    arrived = card.at.get_by_text(re.compile("The first data arrived .* after the consent"))
    expect(arrived).to_be_visible(timeout=FIRST_DATA_S * 1000)
    took = time.monotonic() - allowed
    told = re.search(r"(?:(\d+) min )?(\d+) s after", arrived.inner_text())
    assert int(told[1] or 0) * 60 + int(told[2]) == pytest.approx(took, abs=15)
    assert took < FIRST_DATA_S
    expect(card.headline).to_have_text("Connected – data is arriving", timeout=30_000)
    page.page.reload()
    screenshot(page.page, "connected")
    (connection,) = registry.in_state(State.CONNECTED)
    assert rows(folder, connection) > 0
    assert registry.reports.of(connection.id).coverage.projects > 0


def test_access_that_is_revoked_in_sentry_is_noticed_and_given_again(page, demo, registry):
    _, _, sandbox = demo
    (connection,) = registry.live()
    card = page.card("lumen-goods")
    httpx.post(f"{sandbox}/sandbox/tokens", json={"action": "revoke"}, trust_env=False)
    card.load_now()
    expect(card.state).to_have_text("Disconnected", timeout=120_000)
    expect(card.at).to_contain_text("Access was revoked in Sentry.")
    page.page.reload()
    screenshot(page.page, "disconnected")
    salt = registry.tokens.of(connection.id).salt
    loaded = registry.reports.of(connection.id).loaded_at
    card.reconnect().allow()
    page.is_shown()
    expect(card.state).to_have_text("Connected")
    deadline = time.monotonic() + 180
    while registry.reports.of(connection.id).loaded_at == loaded:
        assert time.monotonic() < deadline, "it was not loaded again"
        time.sleep(1)
    assert registry.tokens.of(connection.id).salt == salt


def test_what_is_disconnected_is_gone_within_minutes_with_a_receipt(page, folder, registry):
    (connection,) = registry.in_state(State.CONNECTED)
    card = page.card("lumen-goods")
    card.disconnect()
    began = time.monotonic()
    page.is_shown()
    while registry.get(connection.id).state is not State.PURGED:
        assert time.monotonic() - began < 300, registry.get(connection.id).state
        time.sleep(1)
    left = [path for path in folder.rglob("*") if connection.id in str(path)]
    assert left == []
    assert registry.get(connection.id).organization_slug is None

    page.open().is_shown()
    page.page.get_by_role("link", name="Receipts of deletions").click()
    page.page.get_by_role("row").filter(has_text=connection.id).get_by_role("link").click()
    expect(page.page.get_by_text(re.compile("Nothing (collected )?was found."))).to_be_visible()
    expect(page.page.get_by_text("still to be done")).to_have_count(0)
    screenshot(page.page, "receipt")
    with page.page.expect_download() as download:
        page.page.get_by_role("link", name="Download as JSON").click()
    receipt = json.loads(download.value.path().read_text())
    assert receipt["connection"] == connection.id
    assert all(step["is_done"] for step in receipt["steps"])

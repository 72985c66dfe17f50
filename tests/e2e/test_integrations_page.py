"""The page Integrations in a real browser, against Airflow's real API server and the sandbox.

No scheduler runs here: what loads do is written into the registry.
"""

import re
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import expect

from include.connections.models import ConnectionRow
from include.connections.registry import Registry, open_registry
from include.connections.reports import Coverage, Reading, Step
from include.connections.states import Reason, State
from include.sandbox.behaviours import OtherOrganization
from include.sandbox.generate import DEFAULT_NOW, generate
from include.sandbox.server import running
from include.settings import Settings
from tests.e2e.pages import (
    CHROMIUM,
    PHONE,
    ConsentPage,
    IntegrationsPage,
    Watch,
    airflow_web,
    chromium,
    context,
    log_in,
    screenshot,
    violations,
)

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium (apt install chromium)"),
]

SLUG = "lumen-goods"


@pytest.fixture(scope="module")
def sandbox():
    with running(generate(seed=11, now=DEFAULT_NOW, issues=50)) as up:
        yield up


@pytest.fixture(scope="module")
def airflow(tmp_path_factory, sandbox):
    folder = tmp_path_factory.mktemp("page")
    with airflow_web(folder / "airflow", folder / "data", sandbox.base_url, debug=True) as up:
        yield up


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def registry(airflow) -> Registry:
    return open_registry(Settings(data_dir=airflow.env["CORVANA_DATA_DIR"]))


@pytest.fixture
def watch(airflow, sandbox):
    """Watches every page of a test; at the end nothing was odd and nothing came from elsewhere."""
    watching = Watch(airflow.url)
    yield watching
    assert watching.complaints == []
    # Only the way to Sentry and back.
    assert watching.others(f"{sandbox.base_url}/oauth/authorize/") == []


@pytest.fixture
def clean(registry, sandbox):
    """No connection is left of the test before, and Sentry has forgotten its consents."""
    for one in registry.in_state(State.CONNECTING):
        registry.abandon(one.id, "test", "test")
    for one in registry.live():
        registry.disconnect(one.id, "test")
    for one in registry.in_state(State.DISCONNECTING):
        registry.purged(one.id, "test")
    sandbox.tokens.revoke()
    sandbox.behaviours.reset()


@pytest.fixture
def at(clean, browser, airflow, watch):
    """The page, with admin signed in."""
    with context(browser, watch) as ctx:
        yield IntegrationsPage(ctx.new_page(), airflow).open_as("admin")


@pytest.fixture
def connected(at, registry):
    """The page, with an organization that was connected through it."""
    at.connect().allow()
    at.is_shown()
    return at


def _load_begins(report):
    report.began_at = datetime.now(UTC) - timedelta(seconds=40)
    report.step = Step.LOAD
    report.readings = [
        Reading("windows of history", 3, 13),
        Reading("known issues", 1200, 3400),
        Reading("histories", 812),
    ]


def _load_ended(report):
    now = datetime.now(UTC)
    report.step, report.readings, report.ended_at = None, [], now
    report.loaded_at = now - timedelta(seconds=70)
    report.published_at = report.first_published_at = now - timedelta(seconds=10)
    report.rows = {
        "organizations": 1,
        "projects": 6,
        "releases": 214,
        "issues": 5403,
        "issue_activities": 21_877,
        "project_error_volume": 48_112,
    }
    report.published = {
        "release_stability": 412,
        "release_stability_summary": 6,
        "assignment_pattern": 268,
        "resolution_time": 6120,
        "resolution_time_distribution": 78,
        "error_frequency": 540,
        "project_error_rate": 84,
    }
    report.requests, report.waited_s = 6027, 3.0
    report.changes = {"new": 5403}
    report.coverage = Coverage(projects=6, hidden=1, is_complete=True, since="2026-08-28")


def _consented(registry, connection_id, **ago):
    """Let the consent be a while ago, as it is when the first load ends."""
    with registry.database.writing() as session:
        row = session.get(ConnectionRow, connection_id)
        row.created_at = datetime.now(UTC) - timedelta(**ago)


def test_from_airflows_navigation_to_connected(clean, browser, airflow, watch, registry):
    with context(browser, watch) as ctx:
        page = ctx.new_page()
        page.goto(airflow.url)
        log_in(page, "admin")
        page.get_by_role("link", name="Integrations").click()
        at = IntegrationsPage(page, airflow)
        at.is_shown()
        # Back leads to Airflow, not to an in-between page.
        page.go_back()
        expect(page.get_by_role("heading", name="Welcome")).to_be_visible()
        page.go_forward()
        at.is_shown()

        answers = []
        page.on("request", lambda one: answers.append(one.url) if "/callback?" in one.url else None)
        consent = at.connect()
        assert page.url.startswith(f"{_sentry(page.url)}/oauth/authorize/")
        consent.allow()
        at.is_shown()
        assert "code=" not in page.url

        expect(at.message).to_contain_text(f"{SLUG} is connected.")
        card = at.card(SLUG)
        expect(card.state).to_have_text("Connected")
        green = card.state.evaluate("one => getComputedStyle(one).color")
        assert _is_green(green), green
        (connection,) = registry.in_state(State.CONNECTED)
        assert connection.created_by == "admin"

        # The message is shown once, and the way through Sentry is no page of the history.
        page.reload()
        expect(at.message).to_have_count(0)
        page.get_by_role("link", name="Back to Airflow").click()
        expect(page.get_by_role("heading", name="Welcome")).to_be_visible()
    (answer,) = answers
    _no_secret_in_the_log(airflow, registry, connection.id, answer)


def _sentry(url):
    return re.match(r"https?://[^/]+", url)[0]


def _is_green(color):
    red, green, blue = (float(one) for one in re.findall(r"[\d.]+", color)[:3])
    return green > red and green > blue


def _no_secret_in_the_log(airflow, registry, connection_id, answer):
    """Airflow's own log, at DEBUG."""
    logged = airflow.log.read_text()
    assert "path=/integrations/sentry/callback" in logged
    held = registry.tokens.of(connection_id)
    told = dict(parse_qsl(urlsplit(answer).query))
    secrets = (held.token, held.refresh_token, told["code"], told["state"], "sandbox-client-secret")
    for secret in secrets:
        assert secret not in logged


def test_denied(at, registry):
    at.connect().deny()
    at.is_shown()
    expect(at.message).to_contain_text("Access was not allowed in Sentry. Nothing was connected")
    assert registry.live() == []


def test_several_organizations(at, sandbox, registry):
    sandbox.behaviours.set(
        other_organizations=(OtherOrganization(id="4507310012349999", slug="second-shop"),)
    )
    at.connect().allow()
    at.page.get_by_role("radio", name="second-shop").check()
    at.page.get_by_role("button", name="Connect it").click()
    at.is_shown()
    expect(at.card("second-shop").state).to_have_text("Connected")


def test_a_load_is_followed_without_reloading(connected, registry, sandbox):
    page, card = connected.page, connected.card(SLUG)
    (connection,) = registry.live()
    summary = card.at.locator("summary", has_text="I don’t see any data")
    summary.click()
    expect(summary).to_be_focused()

    registry.reports.change(connection.id, _load_begins)
    expect(card.headline).to_have_text("Connected – first load running: reading from Sentry")
    bar = card.at.get_by_role("progressbar", name="Known issues")
    expect(bar).to_have_attribute("value", "1200")
    expect(page.locator("#announcer")).to_contain_text("first load running")
    # What was opened stays open, and what has the focus keeps it.
    expect(summary).to_be_focused()
    expect(card.at.get_by_text("What we see right now:")).to_be_visible()
    summary.click()

    # A choice that is not saved yet is not undone.
    card.at.get_by_label("Load", exact=True).select_option("once a day")
    _consented(registry, connection.id, minutes=2, seconds=24)
    registry.reports.change(connection.id, _load_ended)
    expect(card.headline).to_have_text("Connected – data is arriving")
    expect(card.figure("Rows for analysis")).to_have_text("7,508")
    expect(card.at.get_by_label("Load", exact=True)).to_have_value("daily")
    expect(
        card.at.get_by_text(re.compile("The first data arrived .* after the consent"))
    ).to_be_visible()


def test_a_focused_button_keeps_the_focus(connected, registry):
    card = connected.card(SLUG)
    (connection,) = registry.live()
    button = card.at.get_by_role("button", name="Load now")
    button.focus()
    registry.reports.change(connection.id, _load_begins)
    expect(card.headline).to_contain_text("reading from Sentry")
    expect(button).to_be_focused()


def test_schedule(connected, registry):
    connected.card(SLUG).set_schedule("every six hours")
    expect(connected.message).to_contain_text("is loaded every six hours from now on")
    (connection,) = registry.live()
    assert connection.schedule == "every-6-hours"


def test_lost_and_reconnected(connected, registry, sandbox):
    (connection,) = registry.live()
    registry.reports.change(connection.id, _load_begins)
    registry.reports.change(connection.id, _load_ended)
    sandbox.tokens.revoke()
    registry.lose(connection.id, Reason.REVOKED, "load")
    connected.page.reload()
    card = connected.card(SLUG)
    expect(card.state).to_have_text("Disconnected")
    expect(card.at).to_contain_text("Access was revoked in Sentry.")
    expect(card.at).to_contain_text("What was collected is kept until")

    consent = card.reconnect()
    consent.is_shown()
    consent.allow()
    connected.is_shown()
    expect(connected.message).to_contain_text("is connected again")
    expect(card.state).to_have_text("Connected")
    assert registry.get(connection.id).state is State.CONNECTED


def test_disconnecting(connected, registry):
    (connection,) = registry.live()
    card = connected.card(SLUG)
    card.at.get_by_role("link", name="Disconnect…").click()
    connected.page.get_by_role("link", name="Keep it").click()
    assert registry.get(connection.id).state is State.CONNECTED
    card.disconnect()
    connected.is_shown()
    expect(connected.message).to_contain_text("User settings ▸ Authorized Applications")
    expect(card.state).to_have_text("Disconnecting")
    # It disappears by itself when everything is deleted.
    registry.purged(connection.id, "purge")
    expect(card.at).to_have_count(0)


def test_by_keyboard_alone(clean, browser, airflow, watch, registry):
    with context(browser, watch) as ctx:
        page = ctx.new_page()
        at = IntegrationsPage(page, airflow).open_as("admin")
        page.reload()
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        page.keyboard.press("Enter")
        _tab_to(page, "Connect Sentry")
        page.keyboard.press("Enter")
        ConsentPage(page).is_shown()
        _tab_to(page, "Approve")
        page.keyboard.press("Enter")
        at.is_shown()
        expect(at.card(SLUG).state).to_have_text("Connected")
        _tab_to(page, "Disconnect…")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile("/disconnect$"))
        _tab_to(page, "Disconnect and delete")
        page.keyboard.press("Enter")
        at.is_shown()
        expect(at.card(SLUG).state).to_have_text("Disconnecting")


def _tab_to(page, name):
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == name:
            return
    raise AssertionError(f"The keyboard does not reach {name!r}.")


def test_without_scripts(clean, browser, airflow, registry):
    with context(browser) as with_scripts:
        IntegrationsPage(with_scripts.new_page(), airflow).open_as("admin")
        state = with_scripts.storage_state()
    with context(browser, java_script_enabled=False, storage_state=state) as ctx:
        at = IntegrationsPage(ctx.new_page(), airflow).open()
        at.connect().allow()
        at.is_shown()
        expect(at.card(SLUG).state).to_have_text("Connected")
        at.card(SLUG).disconnect()
        expect(at.card(SLUG).state).to_have_text("Disconnecting")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone(scheme, connected, browser, airflow, watch, registry):
    (connection,) = registry.live()
    _consented(registry, connection.id, minutes=2, seconds=24)
    for change in (_load_begins, _load_ended, _load_begins):
        registry.reports.change(connection.id, change)
    state = connected.page.context.storage_state()
    options = {"viewport": PHONE, "color_scheme": scheme, "storage_state": state}
    with context(browser, watch, **options) as ctx:
        at = IntegrationsPage(ctx.new_page(), airflow).open()
        card = at.card(SLUG)
        if scheme == "dark":
            screenshot(at.page, "phone")
        at.page.reload()  # taking it leaves a style of Playwright's in the page
        for title in (
            "I don’t see any data",
            "Coverage and rows",
            "Access and what is collected",
            "History",
        ):
            card.unfold(title)
        page = at.page
        _is_usable(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        small = page.evaluate(
            """[...document.querySelectorAll("button, select, summary, .button")]
            .filter(one => one.getBoundingClientRect().height < 44).map(one => one.textContent)"""
        )
        assert small == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read(scheme, connected, browser, airflow, watch, registry):
    """By everybody, in each state of the card: axe finds nothing."""
    (connection,) = registry.live()
    state = connected.page.context.storage_state()
    with context(browser, watch, color_scheme=scheme, storage_state=state) as ctx:
        at = IntegrationsPage(ctx.new_page(), airflow).open()
        for change in (_load_begins, _load_ended, lambda one: setattr(one, "failed", "It failed.")):
            registry.reports.change(connection.id, change)
            at.page.reload()
            at.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
            _is_usable(at.page)
        at.page.goto(f"{airflow.url}/integrations/sentry/{connection.id}/disconnect")
        _is_usable(at.page)
        registry.lose(connection.id, Reason.SSO_REQUIRED, "load")
        at.open()
        _is_usable(at.page)
        for path in ("data", "receipts", "reports"):
            at.page.goto(f"{airflow.url}/integrations/sentry/{path}")
            _is_usable(at.page)


INLINE = "[style], script:not([src]), style"
"""What the page's Content-Security-Policy would not let through."""


def _is_usable(page):
    assert violations(page) == []
    assert page.locator(INLINE).count() == 0


def test_a_viewer_looks_only(connected, browser, airflow, watch):
    with context(browser, watch) as ctx:
        at = IntegrationsPage(ctx.new_page(), airflow).open_as("vera")
        expect(at.card(SLUG).state).to_have_text("Connected")
        expect(at.page.get_by_role("button")).to_have_count(0)
        expect(at.page.get_by_text("Connecting takes the right")).to_be_visible()


def test_another_site_can_neither_frame_nor_post(connected, registry, sandbox, watch):
    """An attacker's page in the same browser: 127.0.0.1 is another site than localhost."""
    ctx = connected.page.context
    (connection,) = registry.live()
    path = f"{connected.airflow.url}/integrations/sentry/{connection.id}/disconnect"
    evil = f"""<iframe src="{connected.airflow.url}/integrations/"></iframe>
        <form id="f" method="post" action="{path}"><input name="token" value="x"></form>"""
    ctx.route(
        f"{sandbox.base_url}/evil",
        lambda route: route.fulfill(body=evil, content_type="text/html"),
    )
    page = ctx.new_page()
    page.goto(f"{sandbox.base_url}/evil")
    page.wait_for_timeout(500)
    assert all("Integrations" not in frame.content() for frame in page.frames[1:])
    with page.expect_response(lambda answer: answer.request.method == "POST") as posted:
        page.evaluate("document.getElementById('f').submit()")
    # Airflow's cookie does come along: for its first two minutes Chromium sends one that says
    # nothing of SameSite with a POST from anywhere. Ours do not.
    assert posted.value.status == 403
    expect(page.get_by_role("heading", name="This came from another site")).to_be_visible()
    assert "corvana_" not in posted.value.request.all_headers().get("cookie", "")
    assert registry.get(connection.id).state is State.CONNECTED
    page.close()
    assert all("403" in one for one in watch.complaints)
    watch.complaints.clear()


def test_who_is_signed_out_is_told(connected, watch):
    connected.page.context.clear_cookies(name="_token")
    expect(connected.page.locator("#offline")).to_contain_text("signed out", timeout=20_000)
    connected.page.reload()
    connected.page.wait_for_url(re.compile("/auth/login"))
    assert all("401" in one for one in watch.complaints)
    watch.complaints.clear()


def test_time_on_the_way(at):
    """Ours is no part of the five minutes to the first data."""
    began = time.monotonic()
    at.connect().allow()
    at.is_shown()
    assert time.monotonic() - began < 10

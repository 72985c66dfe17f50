"""What the page shows: every state, hostile names, many connections."""

import re
import time
from html.parser import HTMLParser

import pytest

from dlt_sources.sentry.tables import TABLES
from include.connections.reports import Coverage, Reading, Step
from include.connections.states import SENTENCES, Reason, State
from include.settings import PROJECT_ROOT
from include.web import overview, texts
from include.web.airflow import LoadDag, Run, RunState
from tests.web.conftest import HOME, ago

STATUS = "/integrations/sentry/status"
HOSTILE = "<script>alert(1)</script>\"'{{7*7}}"


class Outline(HTMLParser):
    """The elements of a page; fails where one is not closed."""

    VOID = frozenset({"meta", "link", "input", "path", "circle", "rect", "br", "img"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def ids(self) -> list[str]:
        return [attrs["id"] for _, attrs in self.elements if "id" in attrs]


def _full(report):
    report.began_at = ago(minutes=4)
    report.loaded_at = ago(minutes=3)
    report.published_at = report.first_published_at = ago(minutes=2)
    report.rows = {"issues": 1, "something_new": 2}
    report.published = {"resolution_time": 5000}
    report.changes = {"new": 4, "status": 1}
    report.requests, report.waited_s = 12, 3.4
    report.warnings = {"issues: odd": 2}
    report.coverage = Coverage(4, 2, is_complete=False, since="2026-10-02")


def _is_sound(page):
    outline = Outline(page)
    ids = outline.ids()
    assert len(ids) == len(set(ids))
    references = [
        one
        for _, attrs in outline.elements
        for name in ("aria-labelledby", "aria-describedby", "for")
        if name in attrs
        for one in (attrs[name] or "").split()
    ]
    assert set(references) <= set(ids)
    assert [tag for tag, _ in outline.elements].count("h1") == 1
    return outline


def test_an_empty_page(admin, sandbox):
    page = admin.get(HOME).text
    _is_sound(page)
    assert "Not connected" in page
    assert ">Connect Sentry</button>" in page
    for scope in texts.SCOPES:
        assert scope in page


@pytest.mark.parametrize("role", ["admin", "viewer"])
@pytest.mark.parametrize("state", ["connected", "empty", "loading", "disconnecting", *Reason])
def test_every_state(state, role, sign_in, connect, registry, sandbox, monkeypatch):
    connection = connect()
    if state != "empty":
        registry.reports.change(connection.id, _full)
    if state in {*Reason}:
        registry.lose(connection.id, Reason(state), "load")
    elif state == "disconnecting":
        registry.disconnect(connection.id, "admin-1")
    elif state == "loading":
        dag = LoadDag(is_paused=False, active=Run(RunState.RUNNING, ago(minutes=1)))
        monkeypatch.setattr(overview.airflow, "load_dags", lambda _ids: {connection.id: dag})
        registry.reports.change(connection.id, _load)
    page = sign_in(role).get(HOME).text
    _is_sound(page)
    text = re.sub(r"\s+", " ", page)
    assert "lumen-goods" in page
    if state in {*Reason}:
        assert SENTENCES[Reason(state)] in text.replace("&#39;", "'")
        assert "What was collected is kept until" in text
        assert ("Reconnect</button>" in page) == (role == "admin")
    elif state == "disconnecting":
        assert "pill-quiet" in page
        assert "This card disappears when nothing is left" in text
    else:
        assert re.search(r'pill-good">.*</svg>Connected</p>', page)
        assert ("Load now</button>" in page) == (role == "admin")
    if state == "connected":
        for words in ("5,000", "2 hidden from us", "something_new", "issues: odd (2)"):
            assert words in text
        assert "The first data arrived" in text
        assert "All tables are complete since" in text
        assert "5 issues new or changed (4 new, 1 status), 3 rows written" in text


def _load(report):
    report.step = Step.LOAD
    report.readings = [Reading("known issues", 50, 200), Reading("histories", 7)]


def test_progress(admin, connect, registry):
    connection = connect()
    registry.reports.change(connection.id, lambda one: setattr(one, "began_at", ago(minutes=1)))
    registry.reports.change(connection.id, _load)
    page = admin.get(STATUS).text
    assert 'max="200" value="50"' in page
    assert "50 of 200" in page
    assert "Connected – first load running: reading from Sentry" in page
    assert page.startswith('<div class="cards" data-every="3">')
    assert 'aria-current="step"' in page


def test_an_idle_page_looks_rarely(admin, connect, registry):
    connection = connect()
    registry.reports.change(connection.id, _full)
    assert 'data-every="60"' in admin.get(STATUS).text


def test_nothing_changes_between_two_looks(admin, connect, registry):
    """Or else the script would replace what the keyboard's focus is in."""
    registry.reports.change(connect().id, _full)
    admin.get(HOME)
    assert admin.get(STATUS).text == admin.get(STATUS).text


def test_hostile_texts(admin, registry, connect, monkeypatch):
    connection = connect(HOSTILE)

    def fill(report):
        _full(report)
        report.failed = HOSTILE
        report.warnings = {HOSTILE: 1}
        report.rows = {HOSTILE: 1}
        report.published = {HOSTILE: 1}
        report.changes = {HOSTILE: 1}
        report.coverage = Coverage(1, 0, is_complete=True, since=HOSTILE)
        report.step, report.readings = Step.LOAD, [Reading(HOSTILE, 1, 2)]

    registry.reports.change(connection.id, fill)
    admin.press(f"/integrations/sentry/{connection.id}/schedule", schedule="daily")
    for page in (
        admin.get(HOME).text,
        admin.get(f"/integrations/sentry/{connection.id}/disconnect").text,
    ):
        outline = _is_sound(page)
        assert "alert(1)" in page
        assert "<script>" not in page
        assert "49" not in re.sub(r"[0-9a-f]{6,}|\d+:\d+", "", page)
        scripts = [attrs for tag, attrs in outline.elements if tag == "script"]
        assert all(set(one) == {"src", "defer"} for one in scripts)


def test_history(admin, connect, registry):
    connection = connect()
    registry.lose(connection.id, Reason.ACCESS_LOST, "load")
    page = re.sub(r"\s+", " ", admin.get(HOME).text)
    events = re.findall(r"<strong>([^<]+)</strong> by ([^<(]+?)(?: \(([^)]*)\))?</span>", page)
    assert events == [
        ("Access was lost", "load", "access lost"),
        ("Connected", "admin-1", ""),
        ("Consent was given in Sentry", "admin-1", ""),
    ]


def test_a_purged_connection_is_gone(admin, connect, registry):
    connection = connect()
    registry.disconnect(connection.id, "admin-1")
    registry.purged(connection.id, "purge")
    page = admin.get(HOME).text
    assert connection.id not in page
    assert "lumen-goods" not in page


def test_many_connections(admin, connect, registry):
    made = [connect(f"organization-{number}") for number in range(60)]
    for one in made[:50]:
        registry.reports.change(one.id, _full)
    registry.lose(made[55].id, Reason.REVOKED, "load")
    admin.get(HOME)
    began = time.perf_counter()
    page = admin.get(HOME).text
    took = time.perf_counter() - began
    assert took < 2, took
    assert page.count('<article class="card" ') == 50
    assert "60 organizations: 59 connected, 1 disconnected." in page
    assert page.index("organization-55") < page.index("organization-0")
    assert "Page 1 of 2" in page
    assert admin.get(f"{HOME}?page=2").text.count('<article class="card" ') == 10
    for odd in ("0", "99", "-1", "x", "1e3", "٣", "99999999999999999999"):
        assert admin.get(HOME, params={"page": odd}).status_code == 200
    assert "status?page=2" in admin.get(f"{HOME}?page=2").text


def test_all_tables_and_marts_have_words():
    assert set(texts.TABLES) == set(TABLES)
    marts = {one.stem for one in (PROJECT_ROOT / "dbt_project/models/marts").glob("*.sql")}
    # A new mart is shown by its name until it has words here.
    assert set(texts.MARTS) <= marts


def test_the_scopes_are_those_that_are_asked_for():
    from dlt_sources.sentry.failures import SCOPES  # noqa: PLC0415

    assert set(texts.SCOPES) == set(SCOPES)


def test_all_states_have_words():
    assert set(texts.TRANSITIONS) == set(State)


def test_the_document_about_data(admin, current):
    page = admin.get("/integrations/sentry/data").text
    _is_sound(page)
    assert "<table>" in page
    assert "Titles and messages of errors" in page
    assert page.count("<h1>") == 1
    assert "make docs-data" not in page

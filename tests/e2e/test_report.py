"""The report in a real browser: its numbers are the marts', and everybody can use it."""

import os
import re
from datetime import UTC, datetime, time, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import expect

from include.report.content import content
from include.report.marts import opened
from include.report.page import page as write_page
from include.web.shield import REPORT_POLICY
from tests.e2e.pages import CHROMIUM, PHONE, chromium, violations
from tests.report.conftest import files, loaded, tables  # noqa: F401 - fixtures

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium (apt install chromium)"),
]

DESKTOP = {"width": 1280, "height": 900}
SERIOUS = {"serious", "critical"}
NO_BREAK = "\N{NARROW NO-BREAK SPACE}"


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def file(files, tmp_path_factory) -> Path:  # noqa: F811 - a fixture
    with opened(files) as marts:
        html = write_page(content(marts), "lumen-goods", datetime(2026, 11, 3, 10, tzinfo=UTC))
    made = tmp_path_factory.mktemp("html") / "report.html"
    made.write_text(html, encoding="utf-8")
    return made


class Report:
    """The page as a person uses it; whatever it asks for or complains of is kept."""

    def __init__(self, browser, file: Path, choice: str = "", **options):
        self.context = browser.new_context(**{"viewport": DESKTOP} | options)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda said: self.complaints.append(said.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(f"{file.as_uri()}{choice}")

    def choose(self, project: str, period: str) -> None:
        self.page.locator("#period").select_option(label=period)
        self.page.locator("#project").select_option(label=project)
        words = f"Showing {project}, {period.lower()}."
        expect(self.page.locator("#said")).to_have_text(words, timeout=30_000)

    def figure(self, name: str) -> str:
        return self.page.locator(f'[data-figure="{name}"] [data-part="value"]').inner_text()

    def numbers(self, chart: str) -> list[dict[str, str]]:
        """What a chart shows, read from its table."""
        details = self.page.locator(f'figure[data-chart="{chart}"] details.numbers')
        if details.get_attribute("open") is None:
            details.locator("summary").click()
        expect(details.locator("thead th").first).to_be_visible()
        heads = details.locator("thead th").all_inner_texts()
        lines = details.locator("tbody tr").evaluate_all(
            "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))"
        )
        return [dict(zip(heads, line, strict=True)) for line in lines]


@pytest.fixture
def report(browser, file):
    opened_page = Report(browser, file)
    yield opened_page
    opened_page.context.close()
    assert opened_page.complaints == []
    # The file itself, and nothing else.
    assert all(url.startswith((file.as_uri(), "data:", "blob:")) for url in opened_page.asked)


def test_what_is_chosen_is_what_the_marts_say(report, tables):  # noqa: F811 - a fixture
    """Of several projects and periods: headlines, charts, tables and findings."""
    as_of = max(row["as_of"] for row in tables["data_freshness"])
    ids = {row["project_slug"]: row["project_id"] for row in tables["dim_project"]}
    for project, period, days in (
        ("All projects", "Latest 26 weeks", 182),
        ("shop-web", "Latest 13 weeks", 91),
        ("shop-api", "Everything", 100_000),
    ):
        report.choose(project, period)
        since = datetime.combine(as_of.date(), time()) - timedelta(days=days)
        of = [ids[project]] if project in ids else list(ids.values())

        judged = [
            row["has_failed"]
            for row in tables["release_stability"]
            if row["project_id"] in of and row["has_failed"] is not None
            and row["released_at"] >= since
        ]  # fmt: skip
        assert report.figure("failures").replace(NO_BREAK, " ") in {
            f"{100 * sum(judged) / len(judged):.0f} %",
            f"{100 * sum(judged) / len(judged):.1f} %",
        }
        episodes = [
            row
            for row in tables["resolution_time"]
            if row["project_id"] in of and row["opened_at"] >= since
        ]
        histogram = {row["bucket"]: row["n"] for row in report.numbers("histogram")}
        assert sum(int(n.replace(",", "")) for n in histogram.values()) == len(episodes)
        assert histogram["still open"] == f"{sum(row['is_open'] for row in episodes):,}"

        days_of = {}
        for row in tables["error_frequency"]:
            if row["project_id"] in of and datetime.combine(row["error_date"], time()) >= since:
                day = row["error_date"].isoformat()
                days_of[day] = days_of.get(day, 0) + row["accepted_count"]
        drawn = {
            row["UTC"][:10]: int(row["n"].replace(",", "")) for row in report.numbers("errors")
        }
        assert drawn == days_of

        found = report.page.locator("#active .finding:visible")
        active = [
            row for row in tables["process_findings"]
            if row["is_active"] and row["project_id"] in of
        ]  # fmt: skip
        assert found.count() == len(active)
        for row in active:
            expect(report.page.locator("#active")).to_contain_text(row["finding"])

        compared = report.page.locator('[data-table="releases"] tbody tr:visible')
        with_releases = {
            row["project_id"]
            for row in tables["release_stability"]
            if row["project_id"] in of
            and row["released_at"]
            and since <= row["released_at"] <= as_of
        }
        assert compared.count() == len(with_releases)


def test_charts_draw_what_they_say(report, tables):  # noqa: F811 - a fixture
    """The marks in the picture, counted: one bar for each day, one point for each release."""
    report.choose("shop-web", "Latest 4 weeks")
    bars = report.page.locator('figure[data-chart="errors"] .mark-rect path')
    assert bars.count() == len(report.numbers("errors")) > 20
    points = report.page.locator('figure[data-chart="release_score"] .mark-symbol path')
    assert points.count() >= len(report.numbers("release_score")) > 0


def test_what_is_under_the_pointer_is_told(report):
    figure = report.page.locator('figure[data-chart="errors"]')
    figure.scroll_into_view_if_needed()
    expect(figure).to_have_attribute("data-shows", "-1|13w", timeout=20_000)
    figure.locator(".mark-rect path").nth(10).hover()
    expect(report.page.locator("#vg-tooltip-element")).to_contain_text("Errors")


def test_a_choice_is_in_the_address(browser, file, report):
    report.choose("billing", "Latest 4 weeks")
    address = report.page.url
    again = Report(browser, file, "#" + address.partition("#")[2])
    expect(again.page.locator("#said")).to_have_text(
        "Showing billing, latest 4 weeks.", timeout=30_000
    )
    wrong = Report(browser, file, "#project=99&period=<b>")
    expect(wrong.page.locator("#period")).to_have_value("13w")
    again.context.close()
    wrong.context.close()


class Served(BaseHTTPRequestHandler):
    """Answers as Airflow does: with the report, and the policy that it is shown under there."""

    def do_GET(self):
        body = self.server.body if self.path == "/report" else b""
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Security-Policy", REPORT_POLICY)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def address(file):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Served)
    server.body = file.read_bytes()
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/report"
    server.shutdown()


def test_in_airflow_it_works_as_if_of_another_site(browser, file, address):
    shown = Report(browser, file)
    shown.complaints.clear()
    shown.page.goto(address)
    shown.choose("shop-web", "Latest 26 weeks")
    assert shown.page.evaluate("origin") == "null"
    assert "period=26w" in shown.page.url
    figure = shown.page.locator('figure[data-chart="errors"]')
    expect(figure).to_have_attribute("data-shows", re.compile("26w"))
    assert [one for one in shown.complaints if "favicon" not in one and "404" not in one] == []
    shown.context.close()


def test_without_javascript_it_shows_the_first_choice(browser, file):
    still = Report(browser, file, java_script_enabled=False)
    expect(still.page.locator("noscript p")).to_be_visible()
    expect(still.page.locator("#choice")).to_be_hidden()
    pictures = still.page.locator("figure .drawn > svg")
    assert pictures.count() == still.page.locator("figure").count()
    still.context.close()


def test_on_paper_all_is_there_and_nothing_to_press(browser, file, tmp_path):
    paper = Report(browser, file)
    paper.choose("shop-web", "Latest 26 weeks")
    paper.page.emulate_media(media="print")
    expect(paper.page.locator("#choice")).to_be_hidden()
    assert paper.page.locator("figure .drawn svg:visible").count() == 11
    pdf = paper.page.pdf(path=tmp_path / "report.pdf", format="A4", print_background=True)
    assert 3 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 16
    paper.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_it_can_be_used_by_everybody(browser, file, scheme, viewport):
    """axe finds nothing serious, nothing is wider than the screen, and pictures are kept."""
    shown = Report(browser, file, viewport=viewport, color_scheme=scheme)
    shown.choose("All projects", "Latest 26 weeks")
    assert [one for one in violations(shown.page) if one[1] in SERIOUS] == []
    too_wide = shown.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert too_wide <= 0
    if folder := os.environ.get("CORVANA_SCREENSHOTS"):
        kind = "phone" if viewport is PHONE else "desktop"
        shown.page.evaluate("scrollTo(0, 0)")
        shown.page.screenshot(path=Path(folder) / f"report-{kind}-{scheme}.png")
    shown.context.close()

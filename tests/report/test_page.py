"""The page: whole, private, and honest about what is not there."""

import json
import re
from datetime import UTC, datetime

import duckdb
import pytest
from markupsafe import escape

from dlt_sources.sentry import tables as raw
from include.report.content import content
from include.report.failures import MartsMissing, NothingToReport
from include.report.making import make
from include.report.marts import NEEDED, opened
from include.report.page import POLICY, page
from include.report.views import SELECTABLE
from tests.canary_scan import never_at_rest
from tests.dbt.small_organization import AS_OF, load_run, row
from tests.dbt.warehouses import run_dbt, write_raw
from tests.report.conftest import exported


def data_of(html: str) -> dict:
    return json.loads(re.search(r'id="report-data">(.*?)</script>', html, re.DOTALL)[1])


def body_of(html: str) -> str:
    """The page without scripts and styles."""
    return re.sub(r"<(script|style)\b.*?</\1>", "", html, flags=re.DOTALL)


def test_it_needs_nothing_from_anywhere(html):
    assert f'content="{escape(POLICY)}"' in html
    body = body_of(html)
    assert not re.findall(r"<(?:link|img|iframe|object|embed|script)\b", body)
    assert re.findall(r'(?:src|href)="(?!#)[^"]*"', body) == []


def test_every_chart_says_its_definition_and_its_sample(html, shown):
    for charts in shown.charts.values():
        for chart in charts:
            assert chart.definition.endswith(".")
            figure = re.search(f'<figure data-chart="{chart.name}".*?</figure>', html, re.DOTALL)[0]
            assert '<p class="definition"' in figure
            assert re.search(r'data-part="count">[^<]*\d', figure) or "<svg" not in figure


def test_nothing_private_is_in_it(html, loaded):
    for needle in never_at_rest(loaded.organization):
        text = needle.decode()
        pattern = rf"(^|[^0-9.]){re.escape(text)}($|[^0-9])" if text.isdigit() else re.escape(text)
        assert not re.search(pattern, body_of(html)), text
        assert text.isdigit() or text not in html


def test_the_scripts_words_of_the_first_choice_are_the_pages(html):
    """What the page shows at once and what its script would put there are the same."""
    texts = data_of(html)["texts"]["-1|13w"]
    for name, figure in texts["figures"].items():
        block = re.search(f'data-figure="{name}">.*?</div>', html, re.DOTALL)[0]
        for part in ("value", "note", "trend"):
            shown = re.search(f'data-part="{part}">(.*?)</', block, re.DOTALL)[1]
            assert shown.replace("&lt;", "<") == figure[part]


def test_text_of_the_customer_cannot_become_markup(files):
    with opened(files) as marts:
        marts.database.execute("create table found as from dim_project")
        marts.database.execute("drop view dim_project")
        marts.database.execute(
            "create table dim_project as select * replace ("
            "'</script><script>alert(1)</script>' as project_slug) from found"
        )
        html = page(content(marts), "<b>organization</b>", datetime.now(UTC))
    assert "alert(1)</script><" not in html
    assert "<b>organization</b>" not in html
    assert html.count("<script") == html.count("</script>") == 3


@pytest.fixture(scope="module")
def empty_files(tmp_path_factory):
    """The marts of an organization in which nothing ever happened."""
    folder = tmp_path_factory.mktemp("empty")
    rows = {
        "organizations": [raw.OrganizationRow("1", "quiet", "active", AS_OF)],
        "projects": [row(raw.ProjectRow, id="1", slug="silent")],
        "load_runs": [load_run("run", AS_OF)],
    }
    write_raw(folder / "warehouse.duckdb", rows)
    seeded = run_dbt(folder / "warehouse.duckdb", folder, "seed")
    built = run_dbt(folder / "warehouse.duckdb", folder, "run")
    assert built.returncode == 0, seeded.stdout + built.stdout
    return exported(folder / "warehouse.duckdb", folder / "marts")


def test_an_organization_without_anything_has_a_page_that_says_why(empty_files):
    html = make(empty_files, "quiet")
    figures = re.findall(r"<figure.*?</figure>", html, re.DOTALL)
    assert len(figures) == 11
    for figure in figures:
        assert "<svg" not in figure
        empty = re.search(r'<p class="empty" data-part="empty">([^<]+)</p>', figure)
        assert len(empty[1]) > 30
    assert "No rule finds anything here now" in html
    assert "silent" in html


def test_without_a_load_there_is_no_report(empty_files, tmp_path):
    files = {}
    with duckdb.connect() as database:
        for mart, file in empty_files.items():
            files[mart] = tmp_path / f"{mart}.parquet"
            database.execute(f"copy (from read_parquet('{file}') limit 0) to '{files[mart]}'")
    with pytest.raises(NothingToReport, match="first one that ends"):
        make(files, "quiet")


def test_missing_marts_are_named(files):
    some = {name: file for name, file in files.items() if name != "dim_issue"}
    with pytest.raises(MartsMissing, match="lack dim_issue"):
        make(some, "lumen-goods")
    assert set(files) >= NEEDED


def test_what_cannot_be_judged_yet_is_no_failure(files):
    """As in a young organization: releases, none of which can be judged."""
    with opened(files) as marts:
        marts.database.execute("create table found as from release_stability")
        marts.database.execute("drop view release_stability")
        marts.database.execute(
            "create table release_stability as select * replace ("
            "null::boolean as has_failed, null::boolean as was_hotfixed, "
            "null::double as stability_score) from found"
        )
        shown = content(marts)
    lines = [line.cells for line in shown.tables["releases"].lines]
    assert lines
    assert {cells[2:] for cells in lines} == {("0 of 0", "–", "0 of 0", "–")}
    assert page(shown, "lumen-goods", datetime.now(UTC))


def test_many_projects_stay_within_the_page(files):
    """Beyond the projects with most issues, all are counted together but not looked at alone."""
    with opened(files) as marts:
        marts.database.execute("create table found as from dim_project")
        marts.database.execute("drop view dim_project")
        marts.database.execute(
            "create table dim_project as from found union all by name "
            "select * replace ('x' || n as project_id, 'x' || n as project_slug, 0 as issue_count) "
            "from (from found limit 1) cross join range(500) as more (n)"
        )
        shown = content(marts)
    assert len(shown.projects) == SELECTABLE
    html = page(shown, "lumen-goods", datetime.now(UTC))
    assert len(html.encode()) < 2_000_000

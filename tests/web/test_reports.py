"""Reports on the page: who sees them, and what they cannot do."""

from datetime import timedelta

import duckdb
import pytest

from include.published import current as published
from include.report.store import FRAME, REPORT, USE
from include.warehouse.duckdb_file import DuckDBFile
from include.warehouse.publishing import publish, withdraw
from include.web.shield import REPORT_POLICY
from tests.connected import connected

PAGE = f"<html><body>{FRAME}<main>A report</main>{USE}<script>1</script></body></html>"


@pytest.fixture
def connection(registry):
    return connected(registry, "https://sentry.io", "lumen-goods", "a token")


@pytest.fixture
def report(current, connection):
    """Publishes a mart of the connection, with a report beside it unless it is told none."""

    def made(page=PAGE):
        current.warehouse_dir.mkdir(parents=True, exist_ok=True)
        warehouse = DuckDBFile(current.warehouse_dir, connection.id)
        with duckdb.connect(str(warehouse.path)) as database:
            database.execute("create schema if not exists marts")
            database.execute("create or replace table marts.dim_project as select 1 as n")

        def accompany(folder):
            if page is not None:
                (folder / REPORT).write_text(page, encoding="utf-8")

        publish(warehouse, current.published_dir, connection.id, timedelta(0), accompany=accompany)

    return made


@pytest.mark.parametrize("role", ["admin", "op", "user", "viewer"])
def test_whoever_is_signed_in_reads_it(role, sign_in, report, connection):
    report()
    browser = sign_in(role)
    listed = browser.get("/integrations/sentry/reports").text
    address = f"/integrations/sentry/{connection.id}/report"
    assert f'href="{address}"' in listed
    assert "lumen-goods" in listed
    shown = browser.get(address)
    assert shown.status_code == 200
    assert "A report" in shown.text
    assert 'href="/integrations/sentry/reports"' in shown.text


@pytest.mark.parametrize("path", ["reports", "{id}/report", "{id}/report/file"])
def test_nobody_else_does(path, sign_in, report, connection):
    report()
    answer = sign_in(None).get(
        f"/integrations/sentry/{path.format(id=connection.id)}", follow_redirects=False
    )
    assert answer.status_code == 303
    assert "A report" not in answer.text


def test_it_runs_as_if_it_were_of_another_site(admin, report, connection):
    report()
    answer = admin.get(f"/integrations/sentry/{connection.id}/report")
    policy = answer.headers["content-security-policy"]
    assert policy == REPORT_POLICY
    directives = dict(one.split(" ", 1) for one in policy.split("; "))
    assert "allow-same-origin" not in directives["sandbox"]
    assert directives["default-src"] == "'none'"
    assert "connect-src" not in directives
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["cache-control"] == "no-store"


def test_it_says_how_to_use_the_data(admin, report, connection, current):
    report()
    shown = admin.get(f"/integrations/sentry/{connection.id}/report").text
    assert "Use the data" in shown
    for tool in ("DuckDB", "Python", "Superset", "Metabase"):
        assert tool in shown
    assert "corvana.duckdb" in shown


def test_the_file_is_the_report_alone(admin, report, connection, current):
    report()
    answer = admin.get(f"/integrations/sentry/{connection.id}/report/file")
    assert answer.text == PAGE
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    assert connection.id in answer.headers["content-disposition"]
    assert str(current.data_dir) not in answer.text


def test_before_the_first_data_it_says_when(admin, connection):
    answer = admin.get(f"/integrations/sentry/{connection.id}/report")
    assert answer.status_code == 404
    assert "comes with the first data" in answer.text
    assert "comes with the first data" in admin.get("/integrations/sentry/reports").text


def test_a_report_that_failed_says_where_to_look(admin, report, connection):
    report(page=None)
    answer = admin.get(f"/integrations/sentry/{connection.id}/report")
    assert answer.status_code == 404
    assert "task publish" in answer.text


def test_a_withdrawn_one_is_gone(admin, report, connection, current):
    report()
    generation = published(current.published_dir, connection.id)
    withdraw(current.published_dir, connection.id)
    assert admin.get(f"/integrations/sentry/{connection.id}/report").status_code == 404
    assert not generation.folder.exists()


def test_without_connections_the_list_leads_to_the_page(admin):
    listed = admin.get("/integrations/sentry/reports").text
    assert "Connect one on the page Integrations" in listed


def test_an_unknown_connection_is_none(admin):
    assert admin.get("/integrations/sentry/c0000000000000000/report").status_code == 404

"""What is known of a connection's latest loads."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from include.connections.reports import Coverage, LoadReport, Reading, Step
from tests.unit.connections.conftest import GRANT, SENTRY

AT = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)


@pytest.fixture
def connection(registry):
    return registry.connect(registry.begin(SENTRY, GRANT, "ada").id, "1", "acme", "ada")


def test_before_the_first_load_nothing_is_known(registry, connection):
    assert registry.reports.of(connection.id) == LoadReport()


def test_what_is_changed_is_kept_with_all_else(registry, connection):
    def begin(report):
        report.began_at, report.step = AT, Step.LOAD
        report.readings = [Reading("issues", 3, 10)]

    def end(report):
        report.step, report.rows = None, {"issues": 10}
        report.coverage = Coverage(projects=4, hidden=1, is_complete=False, since="2026-08-04")

    registry.reports.change(connection.id, begin)
    registry.reports.change(connection.id, end)
    assert registry.reports.of(connection.id) == LoadReport(
        began_at=AT,
        readings=[Reading("issues", 3, 10)],
        rows={"issues": 10},
        coverage=Coverage(projects=4, hidden=1, is_complete=False, since="2026-08-04"),
    )


def test_no_change_is_lost_among_threads(registry, connection):
    def count(report):
        report.requests += 1

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: registry.reports.change(connection.id, count), range(20)))
    assert registry.reports.of(connection.id).requests == 20


def test_nothing_is_reported_of_what_is_being_deleted(registry, connection):
    registry.disconnect(connection.id, "ada")
    registry.reports.change(connection.id, lambda report: setattr(report, "requests", 5))
    registry.reports.change("c404", lambda report: setattr(report, "requests", 5))
    assert registry.reports.of(connection.id) == LoadReport()

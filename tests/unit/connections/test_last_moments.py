"""What somebody finds out too late: the connection was given other tokens, or chosen, meanwhile."""

from datetime import UTC, datetime, timedelta

import pytest

from include.connections.models import ConnectionRow
from include.connections.registry import open_registry
from include.connections.reports import LoadReport, Step
from include.connections.states import Reason, State
from include.connections.tokens import Grant
from include.reporting import Reporter
from include.settings import Settings
from tests.connected import SCOPES, connected


@pytest.fixture
def registry(tmp_path):
    return open_registry(Settings(data_dir=tmp_path))


@pytest.fixture
def connection(registry):
    return connected(registry, "https://sentry.io", "acme", "first")


def reconnect(registry, connection):
    registry.reconnect(connection.id, Grant("second", "r", None, SCOPES), "acme", "somebody")


def test_tokens_that_were_replaced_lose_nothing(registry, connection):
    generation = registry.tokens.of(connection.id).generation
    reconnect(registry, connection)
    after = registry.lose(connection.id, Reason.REVOKED, "load", generation)
    assert (after.state, after.purge_after) == (State.CONNECTED, None)
    newest = registry.tokens.of(connection.id).generation
    assert registry.lose(connection.id, Reason.REVOKED, "load", newest).state is State.DISCONNECTED


def test_a_connection_that_was_given_back_is_not_ended_with_its_retention(registry, connection):
    registry.lose(connection.id, Reason.REVOKED, "load")
    later = datetime.now(UTC) + timedelta(days=31)
    assert [one.id for one in registry.to_purge(later)] == [connection.id]
    reconnect(registry, connection)
    assert registry.end_retention(connection.id, "upkeep", later) is False
    assert registry.get(connection.id).state is State.CONNECTED
    assert registry.tokens.of(connection.id).token == "second"


def test_retention_ends_when_it_is_over_and_not_before(registry, connection):
    registry.lose(connection.id, Reason.REVOKED, "load")
    now = datetime.now(UTC)
    assert registry.end_retention(connection.id, "upkeep", now + timedelta(days=29)) is False
    assert registry.end_retention(connection.id, "upkeep", now + timedelta(days=31)) is True
    assert registry.get(connection.id).state is State.DISCONNECTING
    assert registry.transitions(connection.id)[-1].reason == "retention ended"


def test_an_organization_is_chosen_in_time_or_not_at_all(registry, tmp_path):
    from include.connections.authorizing import Authorizing  # noqa: PLC0415
    from include.connections.errors import NothingToChoose  # noqa: PLC0415

    begun = registry.begin("https://sentry.io", Grant("t", None, None, SCOPES), "somebody")
    with registry.database.writing() as session:
        session.get(ConnectionRow, begun.id).changed_at -= timedelta(minutes=31)
    authorizing = Authorizing(Settings(data_dir=tmp_path), registry)
    with pytest.raises(NothingToChoose, match="not in time"):
        authorizing.choose(begun.id, "1", "somebody")


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (LookupError("ours: do this"), "ours: do this"),
        (ValueError("row of acme"), "The step load failed unexpectedly (ValueError)."),
    ],
)
def test_only_failures_in_our_own_words_are_told(registry, connection, failure, told):
    reporter = Reporter(registry.reports, connection.id, Step.LOAD, (LookupError,))
    with pytest.raises(type(failure)), reporter.reporting():
        raise failure
    report: LoadReport = registry.reports.of(connection.id)
    assert report.failed.startswith(told)
    assert "acme" not in report.failed

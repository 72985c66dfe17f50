"""An installation of each test's own, and its health."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from include.connections.models import ConnectionRow
from include.connections.registry import open_registry
from include.health import checks
from include.settings import Settings


@pytest.fixture
def current(tmp_path, monkeypatch):
    made = Settings(data_dir=tmp_path / "data")
    monkeypatch.setattr(checks, "settings", lambda: made)
    yield made
    checks._registry.cache_clear()


@pytest.fixture
def registry(current):
    return open_registry(current)


@pytest.fixture
def age(registry):
    """Return a function that moves what is known of a connection into the past."""

    def move(connection, *, changed=None, published=None):
        now = datetime.now(UTC)
        if published is not None:
            registry.reports.change(
                connection.id, lambda report: setattr(report, "published_at", now - published)
            )
        if changed is not None:
            with registry.database.writing() as session:
                session.execute(
                    update(ConnectionRow)
                    .where(ConnectionRow.id == connection.id)
                    .values(changed_at=now - changed)
                )

    return move

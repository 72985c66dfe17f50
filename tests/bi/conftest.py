"""Two organizations' published marts, and the dashboard over them in a real Superset."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from playwright.sync_api import Browser

from bi.superset.bundle import pack
from include.sandbox.generate import DEFAULT_NOW, generate
from include.sandbox.server import running
from tests.bi.superset import BIN, USER, Shown, Superset, charts, show, sign_in
from tests.e2e.pages import chromium
from tests.integration.conftest import Connection

ORDINARY, HEALTHY = "c0000000000000001", "c0000000000000002"

PLANTED = ("unstable_releases", "slow_first_assignment")
"""What goes wrong in the second organization, which is healthy otherwise."""


@dataclass(frozen=True)
class Published:
    """The published marts of two connections, and the connections, to publish again."""

    folder: Path
    connections: dict[str, Connection]

    @property
    def views(self) -> Path:
        return self.folder / "corvana.duckdb"

    def of(self, connection_id: str) -> duckdb.DuckDBPyConnection:
        """Return a database with a connection's marts, read from their files and not the views."""
        database = duckdb.connect()
        database.execute("set timezone = 'UTC'")
        for file in self.folder.glob(f"[!.]*/connection_id={connection_id}/marts.parquet"):
            mart = file.parents[1].name
            database.execute(f"create view {mart} as from read_parquet('{file}')")
        return database


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    folder = tmp_path_factory.mktemp("bi")
    organizations = {
        ORDINARY: generate(seed=7, now=DEFAULT_NOW, issues=2000),
        HEALTHY: generate(seed=11, now=DEFAULT_NOW, issues=900, patterns=PLANTED),
    }
    with ExitStack() as stack:
        connections = {}
        for connection_id, organization in organizations.items():
            sandbox = stack.enter_context(running(organization))
            connection = Connection(organization, sandbox, folder, connection_id)
            connection.load()
            connection.build()
            connection.publish()
            connections[connection_id] = connection
        yield Published(folder / "published", connections)


@pytest.fixture(scope="session")
def superset(published: Published, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Superset]:
    """A Superset that has imported the dashboard as `docs/bi.md` says."""
    assert BIN.exists(), "There is no .venv-superset: run `make test-bi`, which makes it."
    made = Superset(tmp_path_factory.mktemp("superset"))
    made.set_up()
    bundle = made.home / "corvana.zip"
    pack(bundle, str(published.views))
    made.run("import-dashboards", "--path", str(bundle), "--username", USER)
    with made.serving():
        yield made


@pytest.fixture(scope="session")
def names(superset: Superset) -> dict[int, str]:
    return charts(superset)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def dashboard(browser: Browser, superset: Superset, names: dict[int, str]) -> Shown:
    """The dashboard as it opens: of the first connection."""
    return show(sign_in(browser, superset), superset, names)

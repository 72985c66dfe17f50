"""A connection without Airflow: a sandbox, a warehouse, and the three steps of its DAG."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from dlt_sources.sentry.client import Client
from dlt_sources.sentry.context import Budget
from dlt_sources.sentry.pipeline import LoadSummary, run_load
from include.sandbox.generate import DEFAULT_NOW, generate
from include.sandbox.organization import Organization
from include.sandbox.server import Running, running
from include.settings import Settings
from include.transform.build import build
from include.warehouse.backend import Warehouse, warehouse_of
from include.warehouse.publishing import publish
from tests.backends import settings_in, writing

SALT = b"the salt of the tests' connection"


FASTER = 50
"""How much faster than the clock a client waits for the sandbox, which has nobody to be fair to."""


def hurry(client: Client) -> None:
    """Let the pauses before a repeated request, and those after a 429, be short ones."""
    client._limiter._clock = lambda: time.monotonic() * FASTER
    client._limiter._sleep = lambda seconds: time.sleep(seconds / FASTER)


@dataclass(frozen=True)
class Connection:
    """One connection: what the tasks of its DAG do, and a look into its warehouse.

    `sandbox.clock.advance(...)` moves Sentry's time; `organization` is the ground truth.
    """

    organization: Organization
    sandbox: Running
    folder: Path
    connection_id: str = "c0000000000000001"
    patience: int = 2
    budget: Budget = field(default_factory=Budget)
    where: Callable[[Path], Settings] = settings_in

    @property
    def settings(self) -> Settings:
        return self.where(self.folder)

    @property
    def warehouse(self) -> Warehouse:
        return warehouse_of(self.settings, self.connection_id)

    @property
    def published(self) -> Path:
        return self.folder / "published"

    def load(self, kind: Callable[..., Client] = Client, **options: Any) -> LoadSummary:
        with kind(
            self.sandbox.base_url,
            self.organization.slug,
            self.sandbox.token,
            max_requests_per_second=None,
            concurrency=4,
            attempts=self.patience,
        ) as client:
            hurry(client)
            return run_load(
                run_id=uuid4().hex,
                client=client,
                salt=SALT,
                destination=self.warehouse.dlt_destination(),
                work_dir=self.settings.work_dir(self.connection_id),
                budget=self.budget,
                **options,
            )

    def build(self) -> None:
        build(self.warehouse, self.folder / "work" / "build", self.folder / "dbt")

    def publish(self) -> dict[str, int]:
        return publish(self.warehouse, self.published, self.connection_id, timedelta(hours=2))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.warehouse.open_for_reading() as database:
            database.execute("set timezone = 'UTC'")
            return database.execute(query).fetchall()

    def change(self, *statements: str) -> None:
        with writing(self.settings, self.connection_id) as database:
            for statement in statements:
                database.execute(statement)

    def advance(self, **units: float) -> None:
        self.sandbox.clock.advance(timedelta(**units).total_seconds())


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """A connection to an organization of 600 issues; nothing is loaded yet."""
    organization = generate(seed=7, now=DEFAULT_NOW, issues=600)
    with running(organization) as sandbox:
        yield Connection(organization, sandbox, tmp_path_factory.mktemp("connection"))

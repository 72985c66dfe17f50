"""A real Airflow in this process, with one connection in the registry."""

import pytest

from include.connections.registry import Connection, Registry, open_registry
from include.sandbox.generate import DEFAULT_NOW, generate
from include.sandbox.server import running
from include.settings import settings
from tests.connected import connected


@pytest.fixture(scope="session")
def airflow():
    from airflow.utils.db import initdb  # noqa: PLC0415 - slow, and only these tests need it

    initdb()


@pytest.fixture(scope="session")
def registry() -> Registry:
    return open_registry(settings())


@pytest.fixture(scope="session")
def organization():
    return generate(seed=11, now=DEFAULT_NOW, issues=250)


@pytest.fixture(scope="session")
def sandbox(organization):
    with running(organization) as up:
        yield up


@pytest.fixture(scope="session")
def connection(registry, organization, sandbox) -> Connection:
    return connected(registry, sandbox.base_url, organization.slug, sandbox.token, organization.id)


@pytest.fixture
def dag_of(airflow):
    """Return a function that gives a connection's DAG as Airflow finds it in the DAG folder."""
    from airflow.dag_processing.dagbag import DagBag  # noqa: PLC0415

    def find(connection):
        bag = DagBag()
        assert not bag.import_errors
        return bag.dags[f"sentry_load__{connection.id}"]

    return find


@pytest.fixture
def run_of(dag_of):
    """Return a function that runs a connection's DAG, which fails at once where it fails."""

    def run(connection, conf=None, **moments):
        dag = dag_of(connection)
        for task in dag.tasks:
            task.retries = 0
        return dag.test(run_conf=conf, **moments)

    return run

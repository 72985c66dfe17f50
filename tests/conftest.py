"""Where the tests' Airflow and warehouses are: set before anything can import Airflow."""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

HOME = Path(mkdtemp(prefix="corvana-tests-"))
ROOT = Path(__file__).resolve().parents[1]

os.environ |= {
    "AIRFLOW_HOME": str(HOME / "airflow"),
    "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{HOME / 'airflow' / 'airflow.db'}",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    "CORVANA_DATA_DIR": str(HOME / "data"),
    "CORVANA_SENTRY_MAX_REQUESTS_PER_SECOND": "5000",
    "CORVANA_SENTRY_CONCURRENCY": "4",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--warehouse",
        choices=("duckdb", "ducklake"),
        default="duckdb",
        help="where the warehouses of the tests are; lakes need Postgres, which is started",
    )


def pytest_configure(config: pytest.Config) -> None:
    os.environ["TESTS_WAREHOUSE"] = config.getoption("--warehouse")


@pytest.fixture(scope="session", autouse=True)
def catalogs(request: pytest.FixtureRequest) -> Iterator[None]:
    """A Postgres for the catalogs of lakes, if the warehouses of this run are lakes."""
    if request.config.getoption("--warehouse") == "duckdb":
        yield
        return
    from tests.backends import CATALOGS  # noqa: PLC0415 - after Airflow's variables are set
    from tests.postgres import running  # noqa: PLC0415

    with running() as server:
        os.environ[CATALOGS] = server.address()
        yield
        del os.environ[CATALOGS]

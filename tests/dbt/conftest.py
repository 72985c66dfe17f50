"""Builds marts over hand-made raw tables."""

from collections.abc import Callable

import pytest

from include.warehouse.backend import warehouse_of
from tests.backends import settings_in, writing
from tests.dbt.warehouses import Built, RawRows, run_dbt, write_tables


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Built]:
    """Return a function that builds the marts over raw rows; it fails the test if dbt fails."""

    def build_warehouse(rows: RawRows, *arguments: str) -> Built:
        work = tmp_path_factory.mktemp("dbt")
        settings = settings_in(work / "data")
        warehouse = warehouse_of(settings, "c0000000000000001")
        with writing(settings, "c0000000000000001") as database:
            write_tables(database, rows)
        result = run_dbt(warehouse, work, "build", *arguments)
        assert result.returncode == 0, result.stdout[-6000:]
        return Built(warehouse, result.stdout)

    return build_warehouse

"""Builds marts over hand-made raw tables."""

from collections.abc import Callable

import pytest

from tests.dbt.warehouses import Built, RawRows, run_dbt, write_raw


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Built]:
    """Return a function that builds the marts over raw rows; it fails the test if dbt fails."""

    def build_warehouse(rows: RawRows, *arguments: str) -> Built:
        work = tmp_path_factory.mktemp("dbt")
        path = work / "warehouse.duckdb"
        write_raw(path, rows)
        result = run_dbt(path, work, "build", *arguments)
        assert result.returncode == 0, result.stdout[-6000:]
        return Built(path, result.stdout)

    return build_warehouse

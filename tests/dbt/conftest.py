"""Builds marts over hand-made raw tables."""

from collections.abc import Callable

import pytest

from include.warehouse.duckdb_file import DuckDBFile
from tests.dbt.warehouses import Built, RawRows, run_dbt, write_raw


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Built]:
    """Return a function that builds everything over raw rows; it fails the test if dbt fails."""

    def build_warehouse(rows: RawRows, *arguments: str) -> Built:
        work = tmp_path_factory.mktemp("dbt")
        file = work / "warehouse.duckdb"
        write_raw(file, rows)
        result = run_dbt(file, work, "build", *arguments)
        assert result.returncode == 0, result.stdout[-6000:]
        return Built(DuckDBFile(work, "warehouse"), result.stdout)

    return build_warehouse

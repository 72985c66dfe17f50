"""The warehouses of the bench are ones that a load could have left."""

from __future__ import annotations

from pathlib import Path

import duckdb

from tests.bench.warehouse import Size, change, write


def test_a_warehouse_has_distinct_rows_also_after_a_change(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    write(path, Size(2_000))
    change(path, 0.01, 1)
    with duckdb.connect(str(path), read_only=True) as database:

        def value(sql: str) -> int:
            return int(database.sql(sql).fetchall()[0][0])

        keys = {
            "issues": "id",
            "issue_activities": "id",
            "issue_release_volume": "date, issue_id, release",
            "project_error_volume": "project_id, hour, outcome",
        }
        for table, key in keys.items():
            rows = value(f"select count(*) from raw.{table}")
            assert rows > 0
            assert rows == value(f"select count(*) from (select distinct {key} from raw.{table})")
        changed = value("select count(*) from raw.issues where _dlt_load_id = 'load-1'")
        assert 5 <= changed <= 50
        assert value("select count(*) from raw.load_runs") == 2

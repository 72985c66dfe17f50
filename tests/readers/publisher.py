"""Loads and publishes a connection again and again; says how many seconds each time took.

`python -m tests.readers.publisher WAREHOUSES PUBLISHED CONNECTION TIMES`
"""

import json
import sys
import time
from datetime import timedelta
from pathlib import Path

import duckdb

from include.warehouse.duckdb_file import DuckDBFile
from include.warehouse.publishing import publish
from tests.readers.reader import MARTS

ROWS = 2_000

REST_S = 0.5
"""Between two loads; else they would take all of a small machine."""


def load(warehouse, number):
    """Replace all marts, as a load and dbt do."""
    with duckdb.connect(str(warehouse.path)) as database:
        database.execute("create schema if not exists marts")
        for mart in MARTS:
            database.execute(
                f"create or replace table marts.{mart} as select range as n,"
                f" timestamp '2026-01-01' + to_hours({number}) as as_of from range({ROWS})"
            )


def load_and_publish(warehouses, published, connection_id, number):
    """Return how many seconds the load took, and how many publishing."""
    warehouse = DuckDBFile(warehouses, connection_id)
    began = time.monotonic()
    load(warehouse, number)
    loaded = time.monotonic()
    publish(warehouse, published, connection_id, timedelta(hours=2))
    return loaded - began, time.monotonic() - loaded


if __name__ == "__main__":
    warehouses, published, connection_id, times = sys.argv[1:]
    took = []
    for number in range(1, int(times) + 1):
        took.append(load_and_publish(Path(warehouses), Path(published), connection_id, number))
        time.sleep(REST_S)
    sys.stdout.write(json.dumps(took))

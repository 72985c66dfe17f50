"""What a warehouse says of the loads that it is from."""

from dataclasses import dataclass

import duckdb

from include.warehouse.backend import Warehouse


@dataclass(frozen=True, slots=True)
class PastLoad:
    """What `raw.load_runs` says of a load.

    Attributes:
        is_first: It was the connection's first one.
        is_backfilled: It left no history waiting to be read.
        slices: Slices that it committed: of what had changed at least one, and then of history.
    """

    is_first: bool
    is_backfilled: bool
    slices: int


def latest_loads(warehouse: Warehouse, count: int) -> list[PastLoad]:
    """Return the latest loads, the newest one first."""
    query = """
        select is_first, is_backfilled, slices from raw.load_runs
        order by as_of desc, _dlt_load_id desc limit ?
    """
    with warehouse.open_for_reading() as database:
        return [PastLoad(*row) for row in database.execute(query, [count]).fetchall()]


def has_unfinished_load(warehouse: Warehouse) -> bool:
    """Tell whether the latest slice of a load was cut off between two tables.

    dlt enters a slice into `_dlt_loads` when all of its tables are merged. The next load reads
    again what is in the tables of one that was cut off, as far as Sentry still shows it.
    """
    from dlt_sources.sentry.tables import TABLES  # noqa: PLC0415 - imports pyarrow

    names = TABLES.keys() - {"load_runs"}
    rows = " union all ".join(f"select _dlt_load_id from raw.{name}" for name in names)  # noqa: S608
    query = f"""
        with finished as (
            select cast(load_id as double) as load_id from raw._dlt_loads where status = 0
        )
        select count(*) from ({rows})
        where cast(_dlt_load_id as double) > coalesce((select max(load_id) from finished), 0)
    """  # noqa: S608 - our own names only
    with warehouse.open_for_reading() as database:
        try:
            found = database.execute(query).fetchall()
        except duckdb.CatalogException:
            return True
    return bool(found[0][0])

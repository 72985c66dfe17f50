"""The tables as dlt resources, one small module per family."""

from collections.abc import Callable, Iterator

import dlt
import pyarrow as pa
from dlt.sources import DltResource

from dlt_sources.sentry.tables import TABLES


def table_resource(
    name: str, rows: Callable[..., Iterator[pa.Table]], *, data_from: DltResource | None = None
) -> DltResource:
    """Return the dlt resource that merges a table of `tables.TABLES`.

    Args:
        name: Name of the table.
        rows: Yields Arrow tables of the table's schema; takes an item of `data_from` if given.
        data_from: The resource whose items the rows are made from.
    """
    table = TABLES[name]
    source = (
        dlt.resource(rows, name=name)
        if data_from is None
        else data_from | dlt.transformer(rows, name=name)
    )
    source.apply_hints(
        primary_key=list(table.primary_key),
        merge_key=list(table.merge_key),
        write_disposition="merge",
    )
    return source

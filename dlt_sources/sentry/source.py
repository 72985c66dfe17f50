"""The dlt source: one slice of what is collected of a Sentry organization."""

from collections.abc import Iterator, Mapping, Sequence

import dlt
import pyarrow as pa
from dlt.sources import DltResource

from dlt_sources.sentry.slices import Slice
from dlt_sources.sentry.tables import TABLES, Row
from dlt_sources.sentry.watermarks import Watermarks, to_state


@dlt.source(name="sentry", max_table_nesting=0)
def sentry(
    part: Slice, report: Mapping[str, Sequence[Row]], watermarks: Watermarks, *, is_new: bool
) -> list[DltResource]:
    """Return a slice's tables as resources to be merged.

    Watermarks go into dlt's state, which is stored with the data and restored from the destination:
    they move only together with what they stand for.

    Args:
        part: The slice.
        report: Rows about the load itself, by table.
        watermarks: Where the loads stand once the slice is merged.
        is_new: The destination has no tables yet: all are made, those without rows too.
    """
    tables = {name: TABLES[name].to_arrow(rows) for name, rows in report.items()}
    # One table each: dlt takes as long for a hundred small ones as for a hundred times the rows.
    tables |= {name: pa.concat_tables(chunks) for name, chunks in part.tables.items()}
    if is_new:
        tables = {name: tables.get(name, TABLES[name].schema.empty_table()) for name in TABLES}

    def marks() -> Iterator[pa.Table]:
        dlt.current.source_state().update(to_state(watermarks))
        yield tables["load_runs"]

    return [
        _merged(name, dlt.resource(marks if name == "load_runs" else [table], name=name))
        for name, table in tables.items()
    ]


def _merged(name: str, resource: DltResource) -> DltResource:
    """Return a resource that merges a table of `tables.TABLES`."""
    table = TABLES[name]
    resource.apply_hints(
        primary_key=list(table.primary_key),
        merge_key=list(table.merge_key),
        write_disposition="merge",
    )
    return resource

"""The dlt source: everything that is collected of one Sentry organization."""

from collections.abc import Iterator

import dlt
import pyarrow as pa
from dlt.sources import DltResource

from dlt_sources.sentry.context import Load
from dlt_sources.sentry.known import known_rows
from dlt_sources.sentry.resources import table_resource
from dlt_sources.sentry.resources.issues import issue_resources
from dlt_sources.sentry.resources.releases import release_resources
from dlt_sources.sentry.resources.structure import structure_resources
from dlt_sources.sentry.resources.volumes import volume_resources
from dlt_sources.sentry.tables import LoadRunRow


@dlt.source(name="sentry", max_table_nesting=0)
def sentry(load: Load) -> list[DltResource]:
    """Return the resources of one load, to be extracted in this order.

    Watermarks are in dlt's state, which is stored with the data and restored from the destination:
    they move only together with what they stand for.

    Args:
        load: From `context.begin`; counts what the resources do.
    """

    def load_runs() -> Iterator[pa.Table]:
        run = LoadRunRow(
            run_id=load.run_id,
            as_of=load.as_of,
            is_first=not known_rows(load.known, "load_runs", LoadRunRow),
            requests=load.client.requests,
            waited_s=load.client.waited_s,
            issues_read=load.issues_read,
            issues_changed=load.changes.total(),
        )
        yield load.table("load_runs", [run])

    return [
        *structure_resources(load),
        *release_resources(load),
        *issue_resources(load),
        *volume_resources(load),
        table_resource("load_runs", load_runs),
    ]

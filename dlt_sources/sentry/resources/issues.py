"""Issues and what happened to them."""

from collections.abc import Iterator
from datetime import datetime

import dlt
import pyarrow as pa
from dlt.sources import DltResource

from dlt_sources.sentry.changes import Batch, issue_batches, search_end
from dlt_sources.sentry.context import Load
from dlt_sources.sentry.history import explain
from dlt_sources.sentry.resources import table_resource


def issue_resources(load: Load) -> list[DltResource]:
    """Return the resources `issues` and `issue_activities`.

    dlt's state remembers the end of each project's search in `issues_searched_until`, which moves
    only after a complete pass.
    """

    def changed_issues() -> Iterator[Batch]:
        ends = dlt.current.source_state().setdefault("issues_searched_until", {})
        yield from issue_batches(
            load, {project: datetime.fromisoformat(end) for project, end in ends.items()}
        )
        ends.update(dict.fromkeys(load.readable_project_ids, search_end(load).isoformat()))

    def issues(batch: Batch) -> Iterator[pa.Table]:
        yield load.table("issues", batch.rows)

    def issue_activities(batch: Batch) -> Iterator[pa.Table]:
        yield load.table("issue_activities", explain(load, batch.explain))

    batches = dlt.resource(changed_issues, name="changed_issues", selected=False)
    return [
        table_resource("issues", issues, data_from=batches),
        table_resource("issue_activities", issue_activities, data_from=batches),
    ]

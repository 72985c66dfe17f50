"""Runs the source for one connection: one load, which the next one repeats if it is cut off."""

import logging
import resource
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import dlt
import pyarrow as pa
from dlt.common.destination import TDestinationReferenceArg
from dlt.common.destination.exceptions import DestinationUndefinedEntity
from dlt.pipeline.exceptions import PipelineStepFailed

from dlt_sources.sentry.client import Client
from dlt_sources.sentry.context import Load, begin
from dlt_sources.sentry.errors import LoadFailed, SentryError
from dlt_sources.sentry.pseudonyms import Pseudonyms
from dlt_sources.sentry.source import sentry
from dlt_sources.sentry.tables import TABLES

log = logging.getLogger(__name__)

DATASET = "raw"
READ_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class LoadSummary:
    """What a load did.

    Attributes:
        run_id: Identifier of the run.
        as_of: Sentry's time at the start, ISO 8601.
        requests: Requests made to Sentry.
        waited_s: Seconds that requests waited for their turn or for Sentry's limits.
        seconds: Wall time.
        peak_memory_mb: Largest resident size of this process so far.
        issues_read: Issues read.
        changes: Issues new or changed, by reason.
        rows: Rows written, by table.
    """

    run_id: str
    as_of: str
    requests: int
    waited_s: float
    seconds: float
    peak_memory_mb: int
    issues_read: int
    changes: dict[str, int]
    rows: dict[str, int]

    def lines(self) -> Iterator[str]:
        """Yield the summary for people to read."""
        yield f"loaded as of {self.as_of}"
        yield f"took {self.seconds:.1f} s, peak memory {self.peak_memory_mb} MB"
        yield f"{self.requests:,} requests to Sentry, {self.waited_s:.1f} s waited for their turn"
        changes = ", ".join(f"{count:,} {reason}" for reason, count in self.changes.items())
        yield f"{self.issues_read:,} issues read, changed: {changes or 'none'}"
        for table, count in self.rows.items():
            yield f"{table:<22}{count:>9,} rows"


def run_load(  # noqa: PLR0913 - what a load needs, each by name
    *,
    run_id: str,
    client: Client,
    salt: bytes,
    destination: TDestinationReferenceArg,
    work_dir: Path,
    concurrency: int = 2,
) -> LoadSummary:
    """Load an organization's changes since the last load (all, if there is none).

    The working folder holds row data while the load runs and is emptied before and after it, so
    nothing outlives a killed process for longer than until the next load. What that needs to know
    is in the destination.

    Args:
        run_id: Identifier of the run.
        client: Reads the organization.
        salt: Of the connection, for pseudonyms.
        destination: A dlt destination; the tables are in its dataset `raw`.
        work_dir: The working folder, of this connection alone.
        concurrency: Requests under way at once.

    Raises:
        SentryError: Sentry could not be read; nothing was written.
        LoadFailed: dlt or the warehouse failed; the next load repeats this one whole.
    """
    started = time.monotonic()
    with _pipeline(destination, work_dir) as pipeline:
        load = begin(run_id, client, Pseudonyms(salt), _Warehouse(pipeline), concurrency)
        log.info(
            "loading an organization with %d projects as of %s",
            len(load.projects),
            load.as_of.isoformat(),
        )
        _run(pipeline, load)
    return LoadSummary(
        run_id=run_id,
        as_of=load.as_of.isoformat(),
        requests=client.requests,
        waited_s=round(client.waited_s, 1),
        seconds=round(time.monotonic() - started, 1),
        peak_memory_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        issues_read=load.issues_read,
        changes=dict(load.changes.most_common()),
        rows={name: load.rows[name] for name in TABLES},
    )


@contextmanager
def _pipeline(destination: TDestinationReferenceArg, work_dir: Path) -> Iterator[dlt.Pipeline]:
    """Yield a pipeline in an empty folder, which is deleted afterwards."""
    shutil.rmtree(work_dir, ignore_errors=True)
    work_dir.mkdir(parents=True)
    try:
        yield dlt.pipeline(
            pipeline_name="sentry",
            pipelines_dir=str(work_dir),
            destination=destination,
            dataset_name=DATASET,
        )
    finally:
        shutil.rmtree(work_dir, ignore_errors=True)


def _run(pipeline: dlt.Pipeline, load: Load) -> None:
    """Extract, normalize and load; turn a failure into one that holds no data."""
    try:
        pipeline.sync_destination()
        pipeline.run(sentry(load), schema_contract=_contract(pipeline))
    except PipelineStepFailed as failure:
        # dlt's exceptions carry rows and our own chain would print them: raised anew, from None.
        cause = _cause(failure)
        if isinstance(cause, SentryError):
            raise cause from None
        raise LoadFailed(
            f"The load failed in dlt's step '{failure.step}' ({type(cause).__name__}); the next "
            "one repeats it whole. If that fails too, check that no other program has the "
            "warehouse open, and the space and the permissions of the data folder."
        ) from None


def _contract(pipeline: dlt.Pipeline) -> Literal["evolve", "freeze"]:
    """Return dlt's schema contract: frozen, unless this version declares more than is stored.

    The second fence only. dlt lets a table's first load through whatever the contract says, so what
    keeps the undeclared out is that rows are Arrow tables of a declared schema.
    """
    stored: dict[str, Any] = pipeline.default_schema.tables if pipeline.default_schema_name else {}
    is_stored = all(
        set(table.row.__struct_fields__) <= stored.get(name, {}).get("columns", {}).keys()
        for name, table in TABLES.items()
    )
    return "freeze" if is_stored else "evolve"


def _cause(failure: BaseException) -> BaseException:
    """Return the innermost cause of an exception."""
    while (inner := failure.__cause__ or failure.__context__) is not None:
        if isinstance(failure, SentryError):
            break
        failure = inner
    return failure


class _Warehouse:
    """Reads the tables of earlier loads from a pipeline's destination."""

    def __init__(self, pipeline: dlt.Pipeline) -> None:
        self._pipeline = pipeline

    def read(self, table: str, where: str, *, finished: bool) -> Iterator[pa.RecordBatch]:
        """Yield rows of a table; see `known.Known`."""
        columns = ", ".join(f'"{name}"' for name in TABLES[table].row.__struct_fields__)
        with self._pipeline.sql_client() as warehouse:
            rows = warehouse.make_qualified_table_name(table)
            loads = warehouse.make_qualified_table_name("_dlt_loads")
            query = (
                f"select {columns} from {rows}"  # noqa: S608 - our own names only
                f" where _dlt_load_id {'in' if finished else 'not in'}"
                f" (select load_id from {loads} where status = 0)"
                f"{' and ' + where if where else ''}"
            )
            try:
                with warehouse.execute_query(query) as cursor:
                    for found in cursor.iter_arrow(chunk_size=READ_ROWS):
                        yield from found.to_batches()
            except DestinationUndefinedEntity:
                return

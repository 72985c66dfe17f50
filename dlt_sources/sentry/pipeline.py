"""Runs the source for one connection: one load, slice by slice."""

import logging
import resource
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from traceback import extract_tb
from typing import Any, Literal

import dlt
import pyarrow as pa
from dlt.common.destination import TDestinationReferenceArg
from dlt.common.destination.exceptions import DestinationUndefinedEntity
from dlt.destinations.sql_client import SqlClientBase
from dlt.pipeline.exceptions import PipelineStepFailed

from dlt_sources.sentry.backfill import schedule
from dlt_sources.sentry.client import Client
from dlt_sources.sentry.context import Budget, Load, Progress, begin
from dlt_sources.sentry.coverage import Coverage, load_run
from dlt_sources.sentry.errors import LoadFailed, OutOfRetention, SentryError
from dlt_sources.sentry.parallel import Workers
from dlt_sources.sentry.plan import slices
from dlt_sources.sentry.slices import Slice
from dlt_sources.sentry.source import sentry
from dlt_sources.sentry.tables import TABLES, Row
from dlt_sources.sentry.watermarks import from_state

log = logging.getLogger(__name__)

DATASET = "raw"
SOURCE = "sentry"
READ_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class LoadSummary:
    """What a load did.

    Attributes:
        run_id: Identifier of the run.
        as_of: Sentry's time at the start, ISO 8601.
        requests: Requests made to Sentry.
        retries: Of these, repeated after a failure or a limit.
        waited_s: Seconds that requests waited for their turn or for Sentry's limits.
        seconds: Wall time.
        peak_memory_mb: Largest resident size of this process so far.
        slices: Slices committed.
        issues_read: Issues read.
        changes: Issues new or changed, by reason.
        histories_read: Histories of issues read.
        rows: Rows written, by table.
        warnings: What was odd, by kind, counted.
        is_backfilled: No history is waiting to be read.
    """

    run_id: str
    as_of: str
    requests: int
    retries: int
    waited_s: float
    seconds: float
    peak_memory_mb: int
    slices: int
    issues_read: int
    changes: dict[str, int]
    histories_read: int
    rows: dict[str, int]
    warnings: dict[str, int]
    is_backfilled: bool

    def lines(self) -> Iterator[str]:
        """Yield the summary for people to read."""
        yield f"loaded as of {self.as_of}"
        yield (
            f"took {self.seconds:.1f} s, peak memory {self.peak_memory_mb} MB, {self.slices} slices"
        )
        yield (
            f"{self.requests:,} requests to Sentry, {self.retries:,} of them repeated, "
            f"{self.waited_s:.1f} s waited for their turn and for limits"
        )
        changes = ", ".join(f"{count:,} {reason}" for reason, count in self.changes.items())
        yield f"{self.issues_read:,} issues read, changed: {changes or 'none'}"
        yield f"{self.histories_read:,} histories of issues read"
        for table, count in self.rows.items():
            yield f"{table:<22}{count:>9,} rows"
        for warning, count in self.warnings.items():
            yield f"warning: {warning} ({count:,})"
        if not self.is_backfilled:
            yield "older history is still to be read; the next load goes on with it"


def run_load(  # noqa: PLR0913 - what a load needs, each by name
    *,
    run_id: str,
    client: Client,
    salt: bytes,
    destination: TDestinationReferenceArg,
    work_dir: Path,
    budget: Budget | None = None,
    again: tuple[date | None, date | None] = (None, None),
    progress: Progress | None = None,
    before_commit: Callable[[], None] | None = None,
) -> LoadSummary:
    """Load an organization's changes since the last load, and history that no load has read.

    The working folder holds row data while the load runs and is emptied before and after it, so
    nothing outlives a killed process for longer than until the next load. What that needs to know
    is in the destination.

    Args:
        run_id: Identifier of the run.
        client: Reads the organization.
        salt: Of the connection, for pseudonyms.
        destination: A dlt destination; the tables are in its dataset `raw`.
        work_dir: The working folder, of this connection alone.
        budget: What the load may spend.
        again: First and last day of history to read again, both included, if a person asks for any.
        progress: Told what is being read, and how far it is.
        before_commit: Called before each slice is committed; raises to end the load without it.

    Raises:
        SentryError: Sentry could not be read; what was committed before stays.
        LoadFailed: dlt or the warehouse failed; the next load goes on where this one stopped.
        OutOfRetention: Sentry keeps no events of the days to read again.
    """
    started = time.monotonic()
    with (
        _without_data(),
        _pipeline(destination, work_dir) as pipeline,
        # dlt connects dozens of times a slice; as long as one connection is open, that is cheap.
        pipeline.sql_client() as warehouse,
        closing(Workers(client.concurrency)) as workers,
    ):
        load = begin(
            run_id=run_id,
            client=client,
            salt=salt,
            known=_Warehouse(warehouse),
            watermarks=from_state(_restored_state(pipeline)),
            budget=budget or Budget(),
            progress=progress or _silent,
            workers=workers,
        )
        log.info(
            "loading an organization with %d projects as of %s",
            len(load.projects),
            load.as_of.isoformat(),
        )
        schedule(load, *again)
        # dlt connects dozens of times a slice; as long as one connection is open, that is cheap.
        with pipeline.sql_client():
            committed = _commit_all(pipeline, load, before_commit or _anyway)
    return LoadSummary(
        run_id=run_id,
        as_of=load.as_of.isoformat(),
        requests=client.requests,
        retries=client.retries,
        waited_s=round(client.waited_s, 1),
        seconds=round(time.monotonic() - started, 1),
        peak_memory_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        slices=committed,
        issues_read=load.counts["issues_read"],
        changes=dict(load.changes.most_common()),
        histories_read=load.counts["histories_read"],
        rows={name: load.rows[name] for name in TABLES},
        warnings=dict(load.warnings.most_common()),
        is_backfilled=not load.watermarks.backfills,
    )


def _silent(_what: str, _done: int, _total: int | None) -> None:
    """Progress for nobody."""


def _restored_state(pipeline: dlt.Pipeline) -> dict[str, Any]:
    """Return the source's state, restored from the destination."""
    pipeline.sync_destination()
    sources: dict[str, dict[str, Any]] = pipeline.state.get("sources", {})
    return sources.get(SOURCE, {})


def _anyway() -> None:
    """Commit without asking anybody."""


def _commit_all(pipeline: dlt.Pipeline, load: Load, before_commit: Callable[[], None]) -> int:
    """Commit the slices of a load one after the other; return how many there were."""
    coverage = Coverage(load)
    is_complete = False
    number = 0
    for number, part in enumerate(slices(load), start=1):
        is_complete = is_complete or part.ends_pass
        before_commit()
        _commit(pipeline, load, part, coverage, number, is_complete=is_complete)
        log.info("committed slice %d: %d rows", number, part.rows)
    return number


def _commit(  # noqa: PLR0913 - what a slice is reported with
    pipeline: dlt.Pipeline,
    load: Load,
    part: Slice,
    coverage: Coverage,
    number: int,
    *,
    is_complete: bool,
) -> None:
    """Merge one slice into the destination."""
    changed = coverage.changed()
    load.rows["load_coverage"] += len(changed)
    run = load_run(load, number, is_complete=is_complete)
    load.rows["load_runs"] = 1
    report: dict[str, Sequence[Row]] = {"load_coverage": changed, "load_runs": [run]}
    stored: dict[str, Any] = pipeline.default_schema.tables if pipeline.default_schema_name else {}
    source = sentry(
        part,
        report,
        load.watermarks,
        is_new=not stored.keys() >= TABLES.keys(),
    )
    pipeline.run(source, schema_contract=_contract(stored))


@contextmanager
def _without_data() -> Iterator[None]:
    """Turn a failure that is none of ours into one that holds no data.

    dlt's exceptions carry rows, those of Python may quote what they could not handle, and a chain
    would print them: raised anew, from None, with the place in the code for who looks into it.
    """
    try:
        yield
    except (LoadFailed, OutOfRetention, SentryError):
        raise
    except PipelineStepFailed as failure:
        cause = _cause(failure)
        raise LoadFailed(
            f"The load failed in dlt's step '{failure.step}' ({type(cause).__name__}); the next "
            "one goes on where it stopped. If that fails too, check that no other program has the "
            "warehouse open, and the space and the permissions of the data folder."
        ) from None
    except Exception as failure:  # noqa: BLE001 - whatever it is, it may hold data
        ours = Path(__file__).parent
        frames = extract_tb(failure.__traceback__)
        place = [one for one in frames if ours in Path(one.filename).parents][-1]
        raise LoadFailed(
            f"The load failed ({type(failure).__name__} in {place.name}, line {place.lineno} of "
            f"{Path(place.filename).name}); the next one goes on where it stopped. If that fails "
            "too, update corvana-sentry, or report it with this sentence."
        ) from None


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


def _contract(stored: dict[str, Any]) -> Literal["evolve", "freeze"]:
    """Return dlt's schema contract: frozen, unless this version declares more than is stored.

    The second fence only. dlt lets a table's first load through whatever the contract says, so what
    keeps the undeclared out is that rows are Arrow tables of a declared schema.
    """
    is_stored = all(
        set(table.row.__struct_fields__) <= stored.get(name, {}).get("columns", {}).keys()
        for name, table in TABLES.items()
    )
    return "freeze" if is_stored else "evolve"


def _cause(failure: BaseException) -> BaseException:
    """Return the innermost cause of an exception."""
    while (inner := failure.__cause__ or failure.__context__) is not None:
        failure = inner
    return failure


class _Warehouse:
    """Reads the tables of earlier loads from a pipeline's destination; see `known.Known`.

    One reading at a time: each uses the connection that is open for the length of the load.
    """

    def __init__(self, warehouse: SqlClientBase[Any]) -> None:
        self._warehouse = warehouse
        self._names = _Qualified(warehouse)

    def read(self, table: str, where: str, *, finished: bool) -> Iterator[pa.RecordBatch]:
        """Yield rows of a table."""
        columns = ", ".join(f'"{name}"' for name in TABLES[table].row.__struct_fields__)
        query = (
            f"select {columns} from {self._names[table]}"  # noqa: S608 - our own names only
            f" where _dlt_load_id {'in' if finished else 'not in'}"
            f" (select load_id from {self._names['_dlt_loads']} where status = 0)"
            f"{' and ' + where if where else ''}"
        )
        try:
            with self._warehouse.execute_query(query) as cursor:
                for found in cursor.iter_arrow(chunk_size=READ_ROWS):
                    yield from found.to_batches()
        except DestinationUndefinedEntity:
            return

    def query(self, sql: str) -> list[tuple[object, ...]]:
        """Return the rows of a query; see `known.Known`."""
        try:
            with self._warehouse.execute_query(sql.format_map(self._names)) as cursor:
                return cursor.fetchall()
        except DestinationUndefinedEntity:
            return []


class _Qualified(dict[str, str]):
    """Full names of tables in a destination, by their names."""

    def __init__(self, warehouse: SqlClientBase[Any]) -> None:
        super().__init__()
        self._warehouse = warehouse

    def __missing__(self, table: str) -> str:
        return self._warehouse.make_qualified_table_name(table)

"""The project's SQL as dbt compiled it, run again without dbt.

What dbt sends to DuckDB is the same at every build, for every connection: no model asks the
database while it is compiled. Yet dbt takes 20 ms for each of 360 nodes to find that out, ten
seconds where DuckDB needs one. So what a build compiled is kept, and from then on DuckDB alone runs
it: the same models and the same tests.
"""

import logging
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Literal

import duckdb
import msgspec

from include.transform.project import PROJECT
from include.warehouse.durable import put
from include.warehouse.sql import literal

log = logging.getLogger(__name__)

Kind = Literal["seed", "model", "test", "warning"]

AT_ONCE = 2
"""How many steps run side by side, each in one thread: two small queries in a thread each take less
time than one after the other in two threads each (measured: 7.7 s of CPU instead of 9.0)."""


class DataTestFailed(Exception):
    """A test found rows that are wrong."""


class Step(msgspec.Struct, frozen=True):
    """One node of the project.

    Attributes:
        name: The node's.
        kind: What it is; a warning is a test after which the build goes on.
        needs: Names of the steps before it.
        statements: SQL that builds it; a test's only one counts the rows that are wrong.
    """

    name: str
    kind: Kind
    needs: tuple[str, ...]
    statements: tuple[str, ...]


class Prepared(msgspec.Struct, frozen=True):
    """What builds and tests all there is.

    Attributes:
        settings: DuckDB's, as in `profiles.yml`.
        schemas: Those that are built.
        steps: One for each node.
    """

    settings: dict[str, str]
    schemas: tuple[str, ...]
    steps: tuple[Step, ...]

    def build(self, database: duckdb.DuckDBPyConnection) -> None:
        """Build and test everything in a database that has the raw tables (see `workshop`).

        Raises:
            DataTestFailed: A test did.
            duckdb.Error: A statement failed.
        """
        began = perf_counter()
        # Seeds are files named by their place in the project.
        database.execute(f"set global file_search_path = '{literal(PROJECT)}'")
        database.execute("set global threads = 1")
        for schema in self.schemas:
            database.execute(f"create schema {schema}")
        self._run_all(database)
        kinds = [step.kind for step in self.steps]
        log.info(
            "built %d models, and %d tests passed, in %.1f s (SQL that dbt compiled before)",
            kinds.count("model"),
            kinds.count("test"),
            perf_counter() - began,
        )

    def _run_all(self, database: duckdb.DuckDBPyConnection) -> None:
        steps = {step.name: step for step in self.steps}
        order = TopologicalSorter({step.name: step.needs for step in self.steps})
        order.prepare()
        running: dict[Future[None], str] = {}
        with ThreadPoolExecutor(AT_ONCE) as pool:
            try:
                while order.is_active():
                    for name in order.get_ready():
                        running[pool.submit(_run, database, steps[name])] = name
                    done, _ = wait(running, return_when=FIRST_COMPLETED)
                    for future in done:
                        future.result()
                        order.done(running.pop(future))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise


def load(file: Path) -> Prepared | None:
    """Return what was kept in a file, or None if nothing was that can be read."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Prepared)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def keep(prepared: Prepared, file: Path) -> None:
    """Keep it in a file, in the place of the one before at once."""
    # Beside it: working folders can be on a disk of their own.
    with TemporaryDirectory(prefix=".making-", dir=file.parent) as scratch:
        put(file, msgspec.json.encode(prepared), Path(scratch))


def _run(database: duckdb.DuckDBPyConnection, step: Step) -> None:
    with database.cursor() as own:
        if step.kind in {"test", "warning"}:
            _test(own, step)
            return
        for statement in step.statements:
            own.execute(statement)


def _test(database: duckdb.DuckDBPyConnection, step: Step) -> None:
    (query,) = step.statements
    (wrong,) = database.execute(query).fetchall()[0]
    if not wrong:
        return
    found = f"The test {step.name} found {wrong} rows that are wrong."
    if step.kind == "test":
        raise DataTestFailed(found)
    log.warning("%s", found)

"""Builds the marts of one connection, in a process of its own (`include.transform.process`).

A process of its own gives DuckDB's file lock back when it ends, keeps dbt's logging and memory out
of the Airflow task, and can be ended at any moment.
"""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, SimpleQueue
from tempfile import TemporaryDirectory
from threading import Thread

from include.settings import PROJECT_ROOT
from include.warehouse.backend import Warehouse

log = logging.getLogger(__name__)

CHECK_S = 2.0
"""Seconds between two questions whether to go on."""


class BuildFailed(Exception):
    """A model or a test of dbt failed; the log before it says which."""


def build(
    warehouse: Warehouse, work_dir: Path, cache_dir: Path, check: Callable[[], None] = lambda: None
) -> None:
    """Build and test the marts of one connection; every line of the process goes to the log.

    Args:
        warehouse: The connection's.
        work_dir: Where to make the working folder; all that is in it is deleted with it.
        cache_dir: Where the parsed and compiled project is kept between builds. Holds nothing of a
            connection.
        check: Asked every few seconds whether to go on; raises to end the process at once.

    Raises:
        BuildFailed: Something did not build, or a test found wrong data.
        Exception: What `check` raised.
    """
    work_dir.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="dbt-", dir=work_dir) as folder:
        command = [sys.executable, "-m", "include.transform.process", folder, str(cache_dir)]
        with subprocess.Popen(  # noqa: S603 - our own module
            command,
            cwd=folder,  # where DuckDB puts what does not fit into memory
            env=_environment(warehouse, Path(folder)),
            stdin=subprocess.PIPE,  # closes when this process ends, however: then dbt ends, too
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            try:
                for line in _lines(process, check):
                    log.info("%s", line)
                check()
                process.wait()
            except BaseException:
                process.kill()
                raise
    if process.returncode != 0:
        raise BuildFailed(
            "dbt could not build the marts; the lines above name the model or test. The published "
            "marts are still those of the last build."
        )


def _environment(warehouse: Warehouse, folder: Path) -> dict[str, str]:
    """Return the process's environment: ours without the keys, which it does not need.

    What it has to put aside goes into its working folder.
    """
    inherited = {
        name: value for name, value in os.environ.items() if name != "CORVANA_ENCRYPTION_KEYS"
    }
    return inherited | {
        **warehouse.environment(),
        "PYTHONPATH": str(PROJECT_ROOT),
        "TMPDIR": str(folder),
    }


def _lines(process: subprocess.Popen[str], check: Callable[[], None]) -> Iterator[str]:
    """Yield what a process prints, line by line, and check now and then, also if it is silent."""
    printed: SimpleQueue[str | None] = SimpleQueue()

    def read() -> None:
        for line in process.stdout or ():
            printed.put(line)
        printed.put(None)

    Thread(target=read, name="dbt", daemon=True).start()
    checked_at = time.monotonic()
    while True:
        if time.monotonic() - checked_at >= CHECK_S:
            check()
            checked_at = time.monotonic()
        try:
            line = printed.get(timeout=CHECK_S)
        except Empty:
            continue
        if line is None:
            return
        if text := line.rstrip():
            yield text

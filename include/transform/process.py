"""The process that builds: `python -m include.transform.process WORKING_FOLDER CACHE_FOLDER`.

The first build of a version of the project is dbt's; the others run what that one compiled. Should
that fail, or a test find something wrong, dbt builds again: it says best what is wrong. The
warehouse gets the marts when all of them are made and tested, or keeps those that it has.
"""

import logging
import os
import sys
from pathlib import Path
from threading import Thread

import duckdb

from include.transform.prepared import DataTestFailed, Prepared, keep, load
from include.transform.project import fingerprint
from include.transform.workshop import deliver, fetch, opened
from include.warehouse.backend import Warehouse, warehouse_in

log = logging.getLogger("include.transform.process")  # also as `__main__`


def end_with_parent() -> None:
    """End this process when the one that started it ends, even if that one was killed.

    Otherwise it would go on alone, and write into a warehouse that is nobody's any more. The parent
    holds the other end of our standard input, which closes then.
    """

    def wait() -> None:
        # Not through `sys.stdin`: its lock, held here, would make Python's own end a crash.
        while os.read(sys.stdin.fileno(), 4096):
            pass
        os._exit(1)

    Thread(target=wait, name="parent", daemon=True).start()


def main(folder: Path, cache: Path) -> int:
    """Build the marts of the warehouse that the environment describes; return the exit code.

    Args:
        folder: For everything that is needed meanwhile; the current one.
        cache: For what other builds can use; holds nothing of a connection.
    """
    warehouse = warehouse_in(os.environ)
    kept = cache / f"compiled-{fingerprint()}.json"
    prepared = load(kept)
    if prepared is not None and _is_built_as_before(warehouse, prepared):
        return 0
    return 0 if _is_built_by_dbt(warehouse, folder, kept) else 1


def _is_built_as_before(warehouse: Warehouse, prepared: Prepared) -> bool:
    try:
        with opened(warehouse, prepared.settings) as database:
            fetch(database, copied=not warehouse.is_near)
            prepared.build(database)
            deliver(database)
    except DataTestFailed as failure:
        log.warning("%s dbt builds again, to say more.", failure)
        return False
    except duckdb.Error as failure:
        log.warning("A statement failed (%s). dbt builds again.", type(failure).__name__)
        return False
    return True


def _is_built_by_dbt(warehouse: Warehouse, folder: Path, kept: Path) -> bool:
    # Takes seconds to import.
    from include.transform.compiled import NotRepeatable, duckdb_settings  # noqa: PLC0415
    from include.transform.dbt import build  # noqa: PLC0415

    file, settings = folder / "warehouse.duckdb", duckdb_settings()
    with opened(warehouse, settings, file) as database:
        fetch(database, copied=True)
    try:
        prepared = build(file, folder, kept.parent)
    except NotRepeatable as reason:
        log.warning("%s: each build is dbt's, and takes ten seconds longer", reason)
    else:
        if prepared is None:
            return False
        for outdated in kept.parent.glob("compiled-*.json"):
            outdated.unlink(missing_ok=True)
        keep(prepared, kept)
    with opened(warehouse, settings, file) as database:
        deliver(database)
    return True


if __name__ == "__main__":
    # Ours alone: dbt has handlers of its own.
    ours = logging.getLogger("include")
    ours.addHandler(logging.StreamHandler(sys.stdout))
    ours.setLevel(logging.INFO)
    ours.propagate = False
    end_with_parent()
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))

"""Publishing: marts as Parquet files that any number of readers open without blocking a load.

A reader that holds a DuckDB file open blocks its writer. So nobody reads the warehouses: a publish
writes all marts of a connection as a new generation, makes it the current one at once, and has the
views of `corvana.duckdb` show it. Readers who opened these before read on in the generation before,
which is removed some time later. However a publish ends, what is current is whole, and the next one
clears away what it left.

What dbt says of a mart and its columns goes with them, as metadata of the files and as comments on
the views.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import msgspec

from include.files import remove
from include.published.generations import Pointer, file_of, next_id, pointer_in
from include.published.layout import (
    CURRENT,
    GENERATIONS,
    VIEWS,
    generations_of,
    linked,
    published_of,
)
from include.warehouse.backend import Warehouse
from include.warehouse.durable import put, settle
from include.warehouse.exporting import export
from include.warehouse.views import show

SCRATCH = ".making-"
"""Begins the name of the folder, among a connection's generations, in which one is made."""

REPLACED = ".replaced"
"""A file in a generation that the views show no more, as old as that."""

READERS_FINISH_S = 1.0
"""How long a query that has just begun may go on when its connection is withdrawn."""


def publish(  # noqa: PLR0913 - what, where, and two hooks by name
    warehouse: Warehouse,
    published: Path,
    connection_id: str,
    grace: timedelta,
    *,
    check: Callable[[], None] = lambda: None,
    accompany: Callable[[Path], None] = lambda _folder: None,
) -> dict[str, int]:
    """Publish a connection's marts and return how many rows each has.

    One process at a time may publish a connection; any number may publish different ones.

    Args:
        warehouse: The connection's; only read.
        published: Folder of the published marts.
        connection_id: Names the connection's files and fills the column `connection_id`.
        grace: How long the files of a generation stay after the next one took its place.
        check: Asked before whatever becomes visible whether to go on; raises to stop.
        accompany: Given the folder of the marts' files before they become visible, puts there what
            is to be published with them.
    """
    folder = generations_of(published, connection_id)
    folder.mkdir(parents=True, exist_ok=True)
    _forget_unseen(folder)
    with TemporaryDirectory(prefix=SCRATCH, dir=folder) as scratch:
        made = Path(scratch, "marts")
        made.mkdir()
        with warehouse.open_for_reading() as database:
            marts = export(database, made, check)
        accompany(made)
        for file in (*made.iterdir(), made):
            settle(file)
        generation = next_id(folder, datetime.now(UTC))
        check()
        made.rename(folder / generation)
        pointer = Pointer(generation, marts)
        put(folder / CURRENT, msgspec.json.encode(pointer), Path(scratch))
        check()
        _link(published, connection_id, pointer, Path(scratch))
    check()
    show(published, connection_id, generation)
    _forget_replaced(folder, generation, grace)
    return {mart: about.rows for mart, about in marts.items()}


def withdraw(published: Path, connection_id: str) -> None:
    """Remove all that is published of a connection, first from the views and then the files.

    A reader that has a file open reads on to its end. One that has opened the views before, and
    reads in them later, has to open them again, whichever connection it reads.

    Raises:
        NotDeleted: Some files are left.
        OSError, duckdb.Error: The views could not be written; the files are deleted.
    """
    (generations_of(published, connection_id) / CURRENT).unlink(missing_ok=True)
    try:
        if _hide(published, connection_id):
            time.sleep(READERS_FINISH_S)
    except (OSError, duckdb.Error):
        # No room, perhaps. What was collected goes all the same, which makes some.
        _remove(published_of(published, connection_id))
        _hide(published, connection_id)
    else:
        _remove(published_of(published, connection_id))


def _forget_unseen(folder: Path) -> None:
    """Remove what never became current: whoever made it was killed."""
    pointer = pointer_in(folder)
    latest = "" if pointer is None else pointer.generation
    names = [one.name for one in folder.iterdir() if one.is_dir()]
    remove(folder / name for name in names if name.startswith(SCRATCH) or name > latest)


def _forget_replaced(folder: Path, current: str, grace: timedelta) -> None:
    """Remove generations that the views have not shown for so long."""
    replaced = [one for one in folder.iterdir() if one.is_dir() and one.name < current]
    for one in replaced:
        if not (one / REPLACED).exists():
            (one / REPLACED).touch()
    until = time.time() - grace.total_seconds()
    remove(one for one in replaced if (one / REPLACED).stat().st_mtime <= until)


def _link(published: Path, connection_id: str, pointer: Pointer, scratch: Path) -> None:
    """Let the names that stay lead to the files of the current generation, one after the other."""
    folder = generations_of(published, connection_id)
    for mart in pointer.marts:
        fresh, link = scratch / mart, linked(published, mart, connection_id)
        _link_or_copy(file_of(folder, pointer.generation, mart), fresh)
        link.parent.mkdir(parents=True, exist_ok=True)
        os.replace(fresh, link)  # noqa: PTH105 - the atomic one
    kept = {GENERATIONS, *pointer.marts}
    _remove(one for one in published_of(published, connection_id) if one.parent.name not in kept)


def _link_or_copy(file: Path, link: Path) -> None:
    try:
        link.hardlink_to(file)
    except OSError:
        if not file.exists():
            raise
        shutil.copyfile(file, link)  # a file system without hard links


def _hide(published: Path, connection_id: str) -> bool:
    """Have the views show nothing of a connection; return whether they did before."""
    if not any((published / name).exists() for name in (GENERATIONS, VIEWS)):
        return False
    return show(published, connection_id, None)


def _remove(folders: Iterable[Path]) -> None:
    """Remove a connection's folders, and those of marts that nobody has files of any more.

    Raises:
        NotDeleted: Some are left.
    """
    folders = list(folders)
    remove(folders)
    for mart in {folder.parent for folder in folders if folder.parent.name != GENERATIONS}:
        with suppress(OSError):  # other connections have files in it
            mart.rmdir()

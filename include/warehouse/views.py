"""The database of views, which names the files of each connection's current generation.

Whoever opens it sees one generation of each connection, in all marts, until he closes it: a newer
one is in another database, which takes its place. To write it opens one file a mart, not all: a
thousand connections take half a second (docs/published-data.md).
"""

import logging
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import msgspec

from include.locks import waiting
from include.published.generations import Pointer, file_of, pointers
from include.published.layout import GENERATIONS, VIEWS, generations_of
from include.warehouse.durable import put
from include.warehouse.exporting import said_of
from include.warehouse.sql import literal, quoted

log = logging.getLogger(__name__)

LOCK = "views"
"""The lock's name in the folder of locks, beside the published marts."""

SHOWN = "views.json"
"""Which generations the views show."""

SCRATCH = ".views"
"""The folder in which views are made; it is there only as long as somebody has the lock."""

_UNION = " union all by name "

CONNECTION_ID = "Identifier of the connection that the row belongs to"


class Shown(msgspec.Struct, frozen=True):
    """What a database of views shows.

    Attributes:
        views: Which one: how its file can be told from others that had its name.
        generations: The generation of each connection.
    """

    views: tuple[int, int, int]
    generations: dict[str, str]


def show(published: Path, connection_id: str, generation: str | None) -> bool:
    """See to it that the views show a generation of a connection, which is its current one.

    One process at a time writes them, with all that is current then. So whoever waited for his turn
    mostly finds that it was done for him.

    Args:
        published: Folder of the published marts.
        connection_id: Whose.
        generation: That one; None if the views are to show nothing of the connection.

    Returns:
        Whether they had to be written.
    """
    with _alone(published) as scratch:
        shown = _shown(published)
        if shown is not None and shown.get(connection_id) == generation:
            return False
        found = pointers(published)
        _write(scratch / VIEWS, published.resolve(), found)
        os.replace(scratch / VIEWS, published / VIEWS)  # noqa: PTH105 - the atomic one
        generations = {one: pointer.generation for one, pointer in found.items()}
        now_shown = Shown(_identity(published / VIEWS), generations)
        put(published / GENERATIONS / SHOWN, msgspec.json.encode(now_shown), scratch)
    return True


@contextmanager
def _alone(published: Path) -> Iterator[Path]:
    """Yield a folder to make views in, while nobody else does."""
    scratch = published / GENERATIONS / SCRATCH
    with waiting(published.with_name("locks") / LOCK):
        shutil.rmtree(scratch, ignore_errors=True)  # of one that was killed
        scratch.mkdir(parents=True)
        try:
            yield scratch
        finally:
            shutil.rmtree(scratch)


def _shown(published: Path) -> dict[str, str] | None:
    """Return the generation of each connection that the views show; None if that is not known."""
    try:
        views = _identity(published / VIEWS)
    except FileNotFoundError:
        return {}
    try:
        shown = msgspec.json.decode((published / GENERATIONS / SHOWN).read_bytes(), type=Shown)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
    return shown.generations if shown.views == views else None


def _identity(file: Path) -> tuple[int, int, int]:
    about = file.stat()
    return about.st_ino, about.st_mtime_ns, about.st_size


def _write(file: Path, published: Path, found: Mapping[str, Pointer]) -> None:
    """Make a database of views, one for each mart that anybody has."""
    with duckdb.connect(str(file), config={"threads": 1}) as views:
        views.execute("begin")
        for mart in sorted({mart for pointer in found.values() for mart in pointer.marts}):
            files = _files(published, mart, found)
            _create(views, mart, files)
            _comment(views, mart, files[0][1])
        views.execute("commit")


def _files(published: Path, mart: str, found: Mapping[str, Pointer]) -> list[tuple[str, Path]]:
    """Return the current files of a mart with the schema of each, the newest one first."""
    having = [(one.generation, id_) for id_, one in found.items() if mart in one.marts]
    return [
        (
            found[connection_id].marts[mart].schema,
            file_of(generations_of(published, connection_id), generation, mart),
        )
        for generation, connection_id in sorted(having, reverse=True)
    ]


def _create(views: duckdb.DuckDBPyConnection, mart: str, files: Sequence[tuple[str, Path]]) -> None:
    """Make the view of a mart.

    Files of one schema are read together, for which one of them is opened. Of these groups there is
    more than one after columns changed, until all connections are published anew.
    """
    groups: dict[str, list[Path]] = {}
    for schema, file in files:
        groups.setdefault(schema, []).append(file)
    kept: list[str] = []
    for group in groups.values():
        part = _read(group)
        if not kept or _fit(views, [*kept, part]):
            kept.append(part)
    if len(kept) < len(groups):
        log.warning(
            "%s: the type of a column changed, so that connections are left out of the view until "
            "they are published again",
            mart,
        )
    views.execute(f'create view "{mart}" as {_UNION.join(kept)}')


def _fit(views: duckdb.DuckDBPyConnection, parts: Sequence[str]) -> bool:
    """Whether parts can be read together: no value has to be cast to what it is not."""
    try:
        wanted = _types(views, _UNION.join(parts))
        return all(
            kind == wanted[column] or _is_castable(views, kind, wanted[column])
            for part in parts
            for column, kind in _types(views, part).items()
        )
    except (duckdb.BinderException, duckdb.ConversionException):
        return False


def _types(views: duckdb.DuckDBPyConnection, query: str) -> dict[str, str]:
    return {name: kind for name, kind, *_ in views.execute(f"describe {query}").fetchall()}


def _is_castable(views: duckdb.DuckDBPyConnection, kind: str, other: str) -> bool:
    if other == "VARCHAR":
        return True
    query = f"select can_cast_implicitly(null::{kind}, null::{other})"
    return bool(views.execute(query).fetchall()[0][0])


def _read(files: Iterable[Path]) -> str:
    names = ", ".join(f"'{literal(file)}'" for file in files)
    options = "hive_partitioning = true, hive_types = {'connection_id': varchar}"
    return f"(from read_parquet([{names}], {options}))"


def _comment(views: duckdb.DuckDBPyConnection, mart: str, newest: Path) -> None:
    """Say of a view and its columns what its newest file says of them."""
    about, columns = said_of(views, newest)
    views.execute(f"comment on view \"{mart}\" is '{quoted(about)}'")
    for column, text in {**columns, "connection_id": CONNECTION_ID}.items():
        views.execute(f'comment on column "{mart}"."{column}" is \'{quoted(text)}\'')

"""Verification: not what was done counts, but what is found.

Files and folders that have the connection's id in their names are found by these; copies under
other names, and lines in logs, by the fingerprints of what the connection held.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb

from include.purge.places import Place, Places
from include.purge.progress import Needles
from include.purge.search import ARROW_MAGICS, Hit, Search, head_of, is_duckdb, is_sqlite

PARQUET_MAGIC = b"PAR1"

ENOUGH = 3
"""How many short words within longer ones prove that a file is a copy: one is there by chance."""


@dataclass(frozen=True, slots=True)
class Trace:
    """Something of a purged connection.

    Attributes:
        place: Where it is.
        path: The file or folder.
        is_named: It has the connection's id in its name; else it holds a fingerprint.
        needles: Fingerprints that it holds, or the connection's id.
        loose: Those of them that are short, and in the midst of other bytes.
        is_id_only: It holds nothing but the id, and that is opaque.
    """

    place: Place
    path: Path
    is_named: bool
    needles: frozenset[str] = frozenset()
    loose: frozenset[str] = frozenset()
    is_id_only: bool = False

    @property
    def is_deletable(self) -> bool:
        """Whether it is ours to delete: a file of Airflow's or of others may hold other things.

        A database of SQLite in the data folder is none of this software's but the registry.
        """
        if self.is_named:
            return self.place in {Place.DATA, Place.LOGS}
        is_proven = bool(self.needles - self.loose) or len(self.loose) >= ENOUGH
        return self.place is Place.DATA and is_proven and not is_sqlite(head_of(self.path))

    @property
    def is_blocking(self) -> bool:
        """Whether there must be no receipt before it is gone."""
        return not self.is_id_only

    @property
    def where(self) -> str:
        """The place, as receipts say it."""
        return f"{self.place} (the connection's id only)" if self.is_id_only else str(self.place)


@dataclass(slots=True)
class Findings:
    """What a verification searched and found.

    Attributes:
        places: Where it searched.
        files, bytes: How much.
        words, marks: For how many fingerprints.
        traces: What it found.
    """

    places: list[Place] = field(default_factory=list)
    files: int = 0
    bytes: int = 0
    words: int = 0
    marks: int = 0
    traces: list[Trace] = field(default_factory=list)


class Verification:
    """Searches for what is left of a connection.

    Args:
        places: Where.
        connection_id: The connection.
        since: When the connection was made: nothing of it is older.
        needles: Its fingerprints.
    """

    def __init__(
        self,
        places: Places,
        connection_id: str,
        since: datetime,
        needles: Needles,
    ) -> None:
        self._places = places
        self._connection_id = connection_id
        self._since = since
        self._needles = needles

    def find(self, *, with_registry: bool) -> Findings:
        """Search everywhere.

        Args:
            with_registry: Also in the registry, where the organization is still named until the
                connection is purged.
        """
        all_needles = Search((*self._needles.words, *self._needles.marks))
        # In temporary folders, which are everybody's, only what cannot be there by chance.
        own_needles = Search((self._connection_id, *self._needles.marks))
        findings = Findings(words=len(self._needles.words), marks=len(self._needles.marks))
        findings.traces += self._named()
        named = {trace.path for trace in findings.traces}
        for place, search, files in self._searches(
            all_needles, own_needles, with_registry=with_registry
        ):
            if there := list(files):
                findings.places.append(place)
            fresh = [path for path in there if named.isdisjoint((path, *path.parents))]
            findings.traces += _traces(place, search, fresh, self._connection_id)
        findings.files = all_needles.files + own_needles.files
        findings.bytes = all_needles.bytes + own_needles.bytes
        return findings

    def _searches(
        self, everything: Search, own: Search, *, with_registry: bool
    ) -> Iterator[tuple[Place, Search, Iterable[Path]]]:
        yield Place.DATA, everything, self._places.data_files(self._connection_id)
        if with_registry:
            yield Place.REGISTRY, everything, self._places.registry_files()
        yield Place.LOGS, everything, self._places.log_files(self._connection_id, self._since)
        yield Place.HOME, everything, self._places.home_files()
        yield Place.TEMPORARY, own, self._places.temporary_files(self._since)

    def _named(self) -> Iterator[Trace]:
        for place, paths in self._places.of_connection(self._connection_id).items():
            yield from (Trace(place, path, is_named=True) for path in paths)


def _traces(place: Place, search: Search, paths: list[Path], connection_id: str) -> Iterator[Trace]:
    """Yield the files that hold a needle, as bytes or as a value in a compressed column."""
    hits = [*search.in_files(paths)]
    if place is not Place.REGISTRY:
        hits += [hit for path in paths for hit in _in_tables(search, path)]
    found: dict[Path, set[str]] = {}
    firm: dict[Path, set[str]] = {}
    for hit in hits:
        found.setdefault(hit.path, set()).add(hit.needle)
        if not hit.is_loose:
            firm.setdefault(hit.path, set()).add(hit.needle)
    for path, needles in found.items():
        yield Trace(
            place,
            path,
            is_named=False,
            needles=frozenset(needles),
            loose=frozenset(needles - firm.get(path, set())),
            is_id_only=needles == {connection_id},
        )


def _in_tables(search: Search, path: Path) -> Iterator[Hit]:
    content = "\n".join(_tables(path)).encode()
    if content:
        yield from (Hit(needle, path) for needle in search.in_text(content))


def _tables(path: Path) -> Iterator[str]:
    """Yield the texts in a DuckDB, Parquet or Arrow file, whatever it is called."""
    head = head_of(path)
    try:
        if head.startswith(PARQUET_MAGIC):
            with duckdb.connect() as database:
                yield from _texts(database, f"read_parquet('{_quoted(path)}')")
        elif is_duckdb(head):
            with duckdb.connect() as database:
                yield from _all_texts(database, path)
        elif head.startswith(ARROW_MAGICS):
            yield from _arrow_texts(path)
    except (duckdb.Error, OSError, ValueError):
        # Not what it looks like, or open elsewhere: its bytes were searched.
        return


def _arrow_texts(path: Path) -> Iterator[str]:
    """Yield the texts in an Arrow IPC file or stream, whose buffers may be compressed."""
    import pyarrow as pa  # noqa: PLC0415 - takes a while

    is_file = head_of(path).startswith(ARROW_MAGICS[0])
    try:
        with pa.OSFile(str(path)) as file:
            reader = pa.ipc.open_file(file) if is_file else pa.ipc.open_stream(file)
            table = reader.read_all()
    except pa.ArrowException:
        return
    with duckdb.connect() as database:
        database.register("arrow", table)
        yield from _texts(database, "arrow")


def _all_texts(database: duckdb.DuckDBPyConnection, path: Path) -> Iterator[str]:
    # The name under which dbt attaches a warehouse, and which its views use.
    database.execute(f"attach '{_quoted(path)}' as warehouse (read_only)")
    tables = database.execute(
        "select schema_name, table_name from duckdb_tables() where database_name = 'warehouse'"
    ).fetchall()
    for schema, table in tables:
        yield from _texts(database, f"warehouse.{_name(schema)}.{_name(table)}")


def _texts(database: duckdb.DuckDBPyConnection, relation: str) -> Iterator[str]:
    described = database.execute(f"describe from {relation}").fetchall()
    for column, kind, *_ in described:
        if "VARCHAR" in kind or kind == "JSON" or kind.startswith("ENUM"):
            name = _name(column)
            values = f"select distinct {name}::varchar from {relation} where {name} is not null"  # noqa: S608 - names from the file's own catalog
            yield from (value for (value,) in database.execute(values).fetchall())


def _name(name: str) -> str:
    quoted = name.replace('"', '""')
    return f'"{quoted}"'


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")

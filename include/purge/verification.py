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
from include.purge.search import Hit, Search

DUCKDB_MAGIC = b"DUCK"
PARQUET_MAGIC = b"PAR1"


@dataclass(frozen=True, slots=True)
class Trace:
    """Something of a purged connection.

    Attributes:
        place: Where it is.
        path: The file or folder.
        is_named: It has the connection's id in its name; else it holds a fingerprint.
        needles: Fingerprints that it holds.
    """

    place: Place
    path: Path
    is_named: bool
    needles: frozenset[str] = frozenset()

    @property
    def is_deletable(self) -> bool:
        """Whether it is ours to delete: a file of Airflow's or of others may hold other things."""
        return self.place is Place.DATA or (self.place is Place.LOGS and self.is_named)


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
        others: Ids of connections that are not to be touched.
    """

    def __init__(
        self,
        places: Places,
        connection_id: str,
        since: datetime,
        needles: Needles,
        others: frozenset[str],
    ) -> None:
        self._places = places
        self._connection_id = connection_id
        self._since = since
        self._needles = needles
        self._others = others - {connection_id}

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
            findings.traces += _traces(place, search, fresh)
        findings.files = all_needles.files + own_needles.files
        findings.bytes = all_needles.bytes + own_needles.bytes
        return findings

    def _searches(
        self, everything: Search, own: Search, *, with_registry: bool
    ) -> Iterator[tuple[Place, Search, Iterable[Path]]]:
        yield Place.DATA, everything, self._places.data_files(self._others)
        if with_registry:
            yield Place.REGISTRY, everything, self._places.registry_files()
        yield Place.LOGS, everything, self._places.log_files(self._others, self._since)
        yield Place.HOME, everything, self._places.home_files()
        yield Place.TEMPORARY, own, self._places.temporary_files(self._since)

    def _named(self) -> Iterator[Trace]:
        for place, paths in self._places.of_connection(self._connection_id).items():
            yield from (Trace(place, path, is_named=True) for path in paths)


def _traces(place: Place, search: Search, paths: list[Path]) -> Iterator[Trace]:
    """Yield the files that hold a needle, as bytes or as a value in a compressed column."""
    hits = [*search.in_files(paths)]
    if place is Place.DATA:
        hits += [hit for path in paths for hit in _in_tables(search, path)]
    found: dict[Path, set[str]] = {}
    for hit in hits:
        found.setdefault(hit.path, set()).add(hit.needle)
    for path, needles in found.items():
        yield Trace(place, path, is_named=False, needles=frozenset(needles))


def _in_tables(search: Search, path: Path) -> Iterator[Hit]:
    content = "\n".join(_tables(path)).encode()
    if content:
        yield from (Hit(needle, path) for needle in search.in_text(content))


def _tables(path: Path) -> Iterator[str]:
    """Yield the texts in a DuckDB or Parquet file, whatever it is called."""
    try:
        with path.open("rb") as file:
            head = file.read(12)
        if head[:4] == PARQUET_MAGIC:
            with duckdb.connect() as database:
                yield from _texts(database, f"read_parquet('{_quoted(path)}')")
        elif head[8:] == DUCKDB_MAGIC:
            with duckdb.connect() as database:
                yield from _all_texts(database, path)
    except (duckdb.Error, OSError):
        # Not what it looks like, or open elsewhere: its bytes were searched.
        return


def _all_texts(database: duckdb.DuckDBPyConnection, path: Path) -> Iterator[str]:
    # The name under which dbt attaches a warehouse, and which its views use.
    database.execute(f"attach '{_quoted(path)}' as warehouse (read_only)")
    tables = database.execute(
        "select schema_name, table_name from duckdb_tables() where database_name = 'warehouse'"
    ).fetchall()
    for schema, table in tables:
        yield from _texts(database, f'warehouse."{schema}"."{table}"')


def _texts(database: duckdb.DuckDBPyConnection, relation: str) -> Iterator[str]:
    described = database.execute(f"describe from {relation}").fetchall()
    for column, kind, *_ in described:
        if kind == "VARCHAR":
            values = f'select distinct "{column}" from {relation} where "{column}" is not null'  # noqa: S608 - names from the file's own catalog
            yield from (value for (value,) in database.execute(values).fetchall())


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")

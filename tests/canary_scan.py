"""Looks for canaries and raw user ids in everything at rest: as bytes, and as values.

Columns in DuckDB and Parquet files may be compressed, so a search of bytes alone would miss them.
"""

import gzip
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb

from include.sandbox.canaries import CANARY
from include.sandbox.organization import Organization


def never_at_rest(organization: Organization) -> list[bytes]:
    """What must be found nowhere: the canaries, and the ids of people and teams."""
    owners = [*organization.people, *organization.teams]
    return [CANARY.encode(), *(owner.id.encode() for owner in owners)]


def leaks(folder: Path, needles: Iterable[bytes]) -> list[str]:
    """Return where the needles are: the file, and the table where it has tables."""
    wanted = list(needles)
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = _content(path)
        found += [f"{path}: {needle!r}" for needle in wanted if _holds(content, needle)]
        found += [f"{path}: {table}" for table in _values(path, wanted)]
    return found


def _pattern(needle: bytes) -> re.Pattern[bytes]:
    """Return what finds a needle; an id of digits is none inside a longer number."""
    text = re.escape(needle)
    return re.compile(b"(^|[^0-9.])" + text + b"($|[^0-9])" if needle.isdigit() else text)


def _holds(content: bytes, needle: bytes) -> bool:
    """Tell whether a needle is there; the quick search first, most files hold none."""
    return needle in content and _pattern(needle).search(content) is not None


def _content(path: Path) -> bytes:
    content = path.read_bytes()
    if path.suffix == ".gz":
        return gzip.decompress(content)
    if path.suffix == ".zz":
        return zlib.decompress(content)
    return content


def _values(path: Path, needles: list[bytes]) -> Iterator[str]:
    """Yield the tables in a DuckDB or Parquet file that hold a needle."""
    pattern = "|".join(_pattern(needle).pattern.decode() for needle in needles)
    with duckdb.connect() as database:
        for relation in _relations(database, path):
            query = f"select count(*) from {relation} as r where regexp_matches(r::varchar, ?)"
            if database.execute(query, [pattern]).fetchall()[0][0]:
                yield relation


def _relations(database: duckdb.DuckDBPyConnection, path: Path) -> list[str]:
    """Return what can be selected from in a file: its tables and views, or itself."""
    if path.suffix == ".parquet":
        return [f"read_parquet('{path}')"]
    if path.suffix != ".duckdb":
        return []
    # The name under which dbt attaches a warehouse, and which its views use.
    database.execute(f"attach '{path}' as warehouse (read_only)")
    found = database.sql(
        "select table_schema, table_name from information_schema.tables"
        " where table_catalog = 'warehouse'"
    )
    return [f'warehouse."{schema}"."{table}"' for schema, table in found.fetchall()]

"""What the warehouse already holds, so that a load writes changes and only them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol, TypeVar

import pyarrow as pa

from dlt_sources.sentry.tables import TABLES, Row

R = TypeVar("R", bound=Row)
Key = tuple[object, ...]


class Known(Protocol):
    """Reads tables of the schema `raw`; a table that does not exist yet is empty."""

    def read(self, table: str, where: str, *, finished: bool) -> Iterator[pa.RecordBatch]:
        """Yield rows of a table.

        Args:
            table: Its name.
            where: An SQL condition without values from outside, or nothing.
            finished: Rows of loads that ended well, or those of loads that were cut off.
        """
        ...


def known_rows(
    known: Known, table: str, row: type[R], where: str = "", *, finished: bool = True
) -> dict[Key, R]:
    """Return a table's rows by primary key.

    A load merges its tables one by one. When it is cut off between two, the rows it left are not
    known: they are read and compared again, as if they had never come.
    """
    key_of = _key_of(table)
    found: dict[Key, R] = {}
    for batch in known.read(table, where, finished=finished):
        columns = [batch.column(name).to_pylist() for name in row.__struct_fields__]
        for values in zip(*columns, strict=True):
            one = row(*values)
            found[key_of(one)] = one
    return found


def changed(
    table: str, rows: Iterable[R], known: Mapping[Key, R], ignoring: tuple[str, ...] = ()
) -> list[R]:
    """Return the rows that are new or differ from the known ones.

    Args:
        table: Name of their table, for its primary key.
        rows: Rows as read; of several with the same key the last counts.
        known: Rows as stored, by primary key.
        ignoring: Columns in which a difference is no change.
    """
    key_of = _key_of(table)
    latest = {key_of(row): row for row in rows}
    return [row for key, row in latest.items() if differs(row, known.get(key), ignoring)]


def differs(row: Row, known: Row | None, ignoring: tuple[str, ...] = ()) -> bool:
    """Tell whether a row is new or differs from the known one."""
    if known is None:
        return True
    return any(
        getattr(row, name) != getattr(known, name)
        for name in row.__struct_fields__
        if name not in ignoring
    )


def _key_of(table: str) -> Callable[[Row], Key]:
    names = TABLES[table].primary_key
    return lambda row: tuple(getattr(row, name) for name in names)

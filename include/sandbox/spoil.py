"""Changes single fields in some rows of an answer: always the same ones, chosen by their id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Spoilage:
    """What can happen to the rows of a list; at most one change for each row.

    Attributes:
        changes: Path of a field (`lifetime.count`) and what makes its new value from the old one
            and the row's key. A row without the field stays as it is.
        clean: So many of `len(changes) + clean` rows stay as they are.
        key: The field that identifies a row.
    """

    changes: tuple[tuple[str, Callable[[object, str], object]], ...]
    clean: int
    key: str = "id"


def spoil(rows: Iterable[Row], spoilage: Spoilage) -> None:
    """Change the rows in place."""
    for row in rows:
        key = str(row.get(spoilage.key))
        number = crc32(key.encode()) % (len(spoilage.changes) + spoilage.clean)
        if number < len(spoilage.changes):
            path, make = spoilage.changes[number]
            _replace(row, path.split("."), make, key)


def always(value: object) -> Callable[[object, str], object]:
    """Return a maker of one value."""
    return lambda _old, _key: value


def _replace(row: Row, path: list[str], make: Callable[[object, str], object], key: str) -> None:
    name, *rest = path
    if name not in row:
        return
    inner = row[name]
    if not rest:
        row[name] = make(inner, key)
    elif isinstance(inner, dict):
        row[name] = copy = dict(inner)
        _replace(copy, rest, make, key)

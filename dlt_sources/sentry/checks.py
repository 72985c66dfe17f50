"""Every row passes here on its way to the warehouse: gaps are filled, texts checked.

What a column may hold is declared beside it in `tables.py`. A text that breaks its rule is replaced
and counted; no warning, log or exception says what it was.
"""

from collections import Counter
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET

from dlt_sources.sentry.errors import UnexpectedResponse
from dlt_sources.sentry.pseudonyms import Pseudonyms
from dlt_sources.sentry.tables import TABLES, Row, rules
from dlt_sources.sentry.vocabulary import OTHER, WITHHELD, Label, Rule, Words

R = TypeVar("R", bound=Row)

REMEMBERED = 10_000
"""Accepted texts remembered by column: there are few versions, and each is seen very often."""

LARGEST = 2**63 - 1
"""The largest number that a column of the warehouse can hold."""


class Checks:
    """Finishes rows as read, for one connection. Safe to share between threads.

    Args:
        pseudonyms: Of the connection; a label that breaks its rule is stored as its keyed hash.
        warnings: Counts of what was replaced, by column and reason.
    """

    def __init__(self, pseudonyms: Pseudonyms, warnings: Counter[str]) -> None:
        self._pseudonyms = pseudonyms
        self._warnings = warnings
        self._columns = {table.row: _columns(name) for name, table in TABLES.items()}
        self._lock = Lock()

    def settle(self, row: R, previous: R | None = None) -> R:
        """Finish a row in place, and return it.

        A column that is UNSET, because the response did not have it or it could not be read, keeps
        what the previous row has.

        Args:
            row: The row as read.
            previous: The same row as stored, if it is.

        Raises:
            UnexpectedResponse: A column that must not be null has no value.
        """
        columns = self._columns[type(row)]
        values = msgspec.structs.astuple(row)
        for value in values:
            if value is UNSET:
                values = self._filled(row, previous, columns)
                break
        for place, text in columns.texts:
            value = values[place]
            if value is not None and value not in text.accepted:
                self._check(row, text, value)
        for place, number in columns.numbers:
            value = values[place]
            if value is not None and not -LARGEST <= value <= LARGEST:
                self._drop(row, number, columns)
        for part, whole in columns.parts:
            self._withhold_part(row, part, whole)
        return row

    def _filled(self, row: Row, previous: Row | None, columns: "_Columns") -> tuple[Any, ...]:
        for name in row.__struct_fields__:
            if getattr(row, name) is not UNSET:
                continue
            value = getattr(previous, name) if previous is not None else None
            if value is None and name in columns.required:
                value = self._stand_in(columns, name)
            setattr(row, name, value)
        return msgspec.structs.astuple(row)

    def _stand_in(self, columns: "_Columns", name: str) -> str:
        """Return the word for a required word that could not be read. Nothing else has one."""
        if isinstance(columns.rules.get(name), Words):
            return OTHER
        raise UnexpectedResponse(f"{columns.table}.{name} must not be empty, but has no value.")

    def _check(self, row: Row, text: "_Text", value: str) -> None:
        """Accept a text and remember it, or replace it."""
        if text.rule.accepts(value):
            if len(text.accepted) >= REMEMBERED:
                text.accepted.clear()
            text.accepted.add(value)
            return
        is_word = isinstance(text.rule, Words)
        setattr(row, text.name, OTHER if is_word else self._withheld(value))
        self._warn(text.breach)

    def _drop(self, row: Row, name: str, columns: "_Columns") -> None:
        """Drop a number that the warehouse has no room for."""
        if name in columns.required:
            raise UnexpectedResponse(f"{columns.table}.{name} is a number out of range.")
        setattr(row, name, None)
        self._warn(f"{columns.table}.{name}: a number out of range")

    def _withhold_part(self, row: Row, part: str, whole: str) -> None:
        """Withhold a part of a label that is withheld itself."""
        value = getattr(row, part)
        is_open = value is not None and not value.startswith(WITHHELD)
        if is_open and getattr(row, whole).startswith(WITHHELD):
            setattr(row, part, self._withheld(value))

    def _withheld(self, label: str) -> str:
        """Return what stands for a label: equal labels stay equal, whatever their column."""
        return WITHHELD + self._pseudonyms.key("label", label)[:16]

    def _warn(self, warning: str) -> None:
        with self._lock:
            self._warnings[warning] += 1


@dataclass(frozen=True, slots=True)
class _Text:
    """A column of texts, and those already accepted in it."""

    name: str
    rule: Rule
    breach: str
    accepted: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Columns:
    """What has to be looked at in a row of a table."""

    table: str
    rules: dict[str, Rule]
    texts: tuple[tuple[int, _Text], ...]
    numbers: tuple[tuple[int, str], ...]
    parts: tuple[tuple[str, str], ...]
    required: frozenset[str]


def _columns(table: str) -> _Columns:
    """Return what has to be looked at in the rows of a table."""
    row = TABLES[table].row
    schema = TABLES[table].schema
    rules_ = rules(row)
    places = {name: place for place, name in enumerate(row.__struct_fields__)}
    return _Columns(
        table=table,
        rules=rules_,
        texts=tuple(
            (places[name], _Text(name, rule, f"{table}.{name}: {rule.breach}"))
            for name, rule in rules_.items()
        ),
        numbers=tuple(
            (place, name) for name, place in places.items() if schema.field(name).type == "int64"
        ),
        parts=tuple(
            (name, rule.part_of)
            for name, rule in rules_.items()
            if isinstance(rule, Label) and rule.part_of
        ),
        required=frozenset(one.name for one in schema if not one.nullable),
    )

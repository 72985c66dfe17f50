"""Compares the rows of a mart with the true ones, every column."""

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from tests.integration.truth.ledger import Row

RELATIVE = 1e-9
ABSOLUTE = 1e-11
"""Allowed differences of figures; counts, words, flags, dates and times must be the same."""


def differences(expected: Iterable[Row], got: Iterable[Row], key: str) -> list[str]:
    """Return a line for every row or value that is missing, too much or different."""
    true_rows, rows = {row[key]: row for row in expected}, {row[key]: row for row in got}
    lines = [f"missing: {one}" for one in sorted(true_rows.keys() - rows.keys())]
    lines += [f"unexpected: {one}" for one in sorted(rows.keys() - true_rows.keys())]
    for one in sorted(true_rows.keys() & rows.keys()):
        lines += _differing(one, true_rows[one], rows[one])
    return lines


def _differing(name: str, expected: Row, got: Row) -> list[str]:
    if expected.keys() != got.keys():
        return [f"{name}: the columns differ by {sorted(expected.keys() ^ got.keys())}"]
    return [
        f"{name}: {column} is {got[column]!r}, not {value!r}"
        for column, value in expected.items()
        if not _same(value, got[column])
    ]


def _same(expected: Any, got: Any) -> bool:
    if isinstance(got, datetime):
        got = got.replace(tzinfo=UTC)
    if type(expected) is not type(got) or not isinstance(got, float):
        return type(expected) is type(got) and bool(expected == got)
    return math.isclose(expected, got, rel_tol=RELATIVE, abs_tol=ABSOLUTE)

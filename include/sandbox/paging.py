"""Sentry's paging: cursors `value:offset:is_prev` and the Link header with both directions.

Three kinds of cursor are in use (Sentry's `api/paginator.py`): numbered pages for most lists,
row offsets for `events/`, sort values for the issue search and the organizations.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from include.sandbox.errors import bad_request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from include.sandbox.calls import Call

T = TypeVar("T")
MAX_PER_PAGE = 100
CURSOR = re.compile(r"(-?\d+):(-?\d+):([01])")


class Cursor(NamedTuple):
    """A position in a list; its text is opaque to clients."""

    value: int
    offset: int
    is_prev: bool

    def __str__(self) -> str:
        return f"{self.value}:{self.offset}:{int(self.is_prev)}"


class Page(NamedTuple):
    """Rows `low:high` of a list, and where the neighbours are."""

    low: int
    high: int
    previous: Cursor
    following: Cursor
    has_previous: bool
    has_following: bool


def read_cursor(call: Call) -> Cursor | None:
    """Return the request's cursor.

    Raises:
        ApiError: 400 for text that is none.
    """
    text = call.one("cursor")
    if not text:
        return None
    found = CURSOR.fullmatch(text)
    if found is None:
        raise bad_request("Invalid cursor parameter.")
    return Cursor(int(found[1]), int(found[2]), found[3] == "1")


def per_page(call: Call) -> int:
    """Return the page size, 100 unless asked for less.

    Raises:
        ApiError: 400 beyond 100, or for no number.
    """
    text = call.one("per_page")
    if text is None:
        return MAX_PER_PAGE
    if not text.isdigit():
        raise bad_request("Invalid per_page parameter.")
    if int(text) > MAX_PER_PAGE:
        raise bad_request(f"Invalid per_page value. Cannot exceed {MAX_PER_PAGE}.")
    return max(1, int(text))


def numbered(call: Call, rows: Sequence[T]) -> tuple[Sequence[T], str]:
    """Return a page of a list and its Link, with cursors `page size:page:is_prev`."""
    size, cursor = per_page(call), read_cursor(call) or Cursor(0, 0, is_prev=False)
    size = cursor.value if 0 < cursor.value <= MAX_PER_PAGE else size
    number = max(0, cursor.offset)
    low = number * size
    page = Page(
        low,
        low + size,
        Cursor(size, number - 1, is_prev=True),
        Cursor(size, number + 1, is_prev=False),
        number > 0,
        low + size < len(rows),
    )
    return rows[low : low + size], link(call, page)


def by_offset(call: Call, rows: Sequence[T]) -> tuple[Sequence[T], str]:
    """Return a page of a list and its Link, with cursors `0:row:is_prev`."""
    size, cursor = per_page(call), read_cursor(call) or Cursor(0, 0, is_prev=False)
    low = max(0, cursor.offset)
    page = Page(
        low,
        low + size,
        Cursor(0, max(0, low - size), is_prev=True),
        Cursor(0, low + size, is_prev=False),
        low > 0,
        low + size < len(rows),
    )
    return rows[low : low + size], link(call, page)


def by_value(values: Sequence[int], cursor: Cursor | None, size: int) -> Page:
    """Return a page of a list sorted by a falling value, as Sentry's SequencePaginator.

    The offset counts rows after the first one that has the cursor's value or less.
    """
    rising = [-value for value in values]
    position = 0
    if cursor is not None:
        position = bisect_left(rising, -cursor.value) if cursor.value else 0
        position += cursor.offset
    is_prev = cursor is not None and cursor.is_prev
    low = max(position - size, 0) if is_prev else min(max(position, 0), len(rising))
    high = min(position, len(rising)) if is_prev else min(low + size, len(rising))
    return Page(
        low,
        high,
        _value_cursor(rising, low, is_prev=True),
        _value_cursor(rising, high, is_prev=False),
        low > 0,
        high < len(rising),
    )


def _value_cursor(rising: Sequence[int], position: int, *, is_prev: bool) -> Cursor:
    if not rising:
        return Cursor(0, 0, is_prev)
    value = rising[min(position, len(rising) - 1)]
    return Cursor(-value, position - bisect_left(rising, value, hi=position), is_prev)


def link(call: Call, page: Page) -> str:
    """Return the Link header; both directions are always there, only `results` tells."""
    kept = "&".join(part for part in call.query.split("&") if not part.startswith("cursor="))
    directions = (
        ("previous", page.previous, page.has_previous),
        ("next", page.following, page.has_following),
    )
    return ", ".join(
        f'<{call.url}?{kept}&cursor={cursor}>; rel="{rel}"; '
        f'results="{str(has_rows).lower()}"; cursor="{cursor}"'
        for rel, cursor, has_rows in directions
    )

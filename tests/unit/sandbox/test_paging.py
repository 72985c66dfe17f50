"""Cursors: pages over equal values, both directions, and positions that no longer exist."""

from __future__ import annotations

import pytest

from include.sandbox.calls import Call
from include.sandbox.paging import Cursor, by_value, link

TIED = [9, 7, 7, 7, 7, 7, 3, 3, 1]


def walk(values, size):
    """Follow the pages to the end; return the rows of each."""
    rows, page = [], by_value(values, None, size)
    rows.append((page.low, page.high))
    while page.has_following:
        page = by_value(values, page.following, size)
        rows.append((page.low, page.high))
    return rows, page


@pytest.mark.parametrize("size", range(1, 11))
def test_equal_values_are_neither_skipped_nor_repeated(size):
    rows, _ = walk(TIED, size)

    assert [n for low, high in rows for n in range(low, high)] == list(range(len(TIED)))


@pytest.mark.parametrize("size", range(1, 11))
def test_pages_can_be_walked_back(size):
    rows, page = walk(TIED, size)
    back = [(page.low, page.high)]
    while page.has_previous:
        page = by_value(TIED, page.previous, size)
        back.append((page.low, page.high))

    assert back[::-1] == rows


def test_the_offset_counts_rows_among_equal_values():
    page = by_value(TIED, None, 3)

    assert page.following == Cursor(7, 2, is_prev=False)
    assert str(page.following) == "7:2:0"
    assert str(page.previous) == "9:0:1"


def test_a_cursor_survives_a_row_that_appeared_or_vanished():
    cursor = by_value(TIED, None, 1).following

    assert by_value([8, *TIED[1:]], cursor, 2).low == 1
    assert by_value([9, 8, *TIED[1:]], cursor, 2).low == 2
    assert by_value(TIED[6:], cursor, 2).low == 0


def test_an_empty_list_has_both_directions_and_no_results():
    page = by_value([], None, 10)
    header = link(Call("http://s", "http://s/x/", "a=1&cursor=0:0:0&b=2", {}, {}), page)

    assert (page.has_previous, page.has_following) == (False, False)
    assert header == (
        '<http://s/x/?a=1&b=2&cursor=0:0:1>; rel="previous"; results="false"; cursor="0:0:1", '
        '<http://s/x/?a=1&b=2&cursor=0:0:0>; rel="next"; results="false"; cursor="0:0:0"'
    )

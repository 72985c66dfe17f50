"""What surrounds a load: the days to load again, the lock, the lines of progress, going on."""

import re
from datetime import date, timedelta
from types import SimpleNamespace

import duckdb
import pytest

from include.continuing import LIMIT, goes_on
from include.days import NONE, WrongDays, days, in_words
from include.loading import _budget
from include.progress import Lines
from include.settings import Settings
from include.warehouse.past_loads import PastLoad
from include.warehouse.publishing import publish

FIRST = PastLoad(is_first=True, is_backfilled=False, slices=1)
MOVED = PastLoad(is_first=False, is_backfilled=False, slices=2)
STUCK = PastLoad(is_first=False, is_backfilled=False, slices=1)
DONE = PastLoad(is_first=False, is_backfilled=True, slices=2)


def test_days_may_be_left_open():
    assert days(None, None) == NONE
    assert days("2026-10-01", "2026-10-01") == (date(2026, 10, 1), date(2026, 10, 1))
    assert in_words(days("2026-10-01", "2026-10-07")) == "from 2026-10-01 to 2026-10-07"
    assert in_words(days(None, "2026-10-07")) == "to 2026-10-07"


@pytest.mark.parametrize(
    ("first", "last", "sentence"),
    [
        ("yesterday", None, "'yesterday' is no day: write one like 2026-10-01"),
        (None, "2026-02-30", "'2026-02-30' is no day"),
        (20261001, None, "20261001 is no day"),
        ("2026-10-07", "2026-10-01", "2026-10-07 is after 2026-10-01: name the first day first"),
    ],
)
def test_wrong_days_are_named(first, last, sentence):
    with pytest.raises(WrongDays, match=re.escape(sentence)):
        days(first, last)


def test_progress_is_a_line_now_and_then():
    lines = []
    client = SimpleNamespace(requests=1260)
    seldom = Lines(lines.append).watch(client)
    seldom("histories", 1200, None)
    seldom("histories", 1300, None)
    assert lines == ["read 1,200 histories, 1,260 requests so far"]
    always = Lines(lines.append, every_s=0).watch(client)
    always("known issues", 100, 5000)
    assert lines[1:] == ["read 100 of 5,000 known issues, 1,260 requests so far"]


@pytest.mark.parametrize(
    ("loads", "expected"),
    [
        ([], False),
        ([DONE], False),
        ([DONE, MOVED], False),
        ([FIRST], True),
        ([MOVED, FIRST], True),
        ([STUCK, MOVED, FIRST], False),
        ([MOVED] * LIMIT, False),
        ([*[MOVED] * (LIMIT - 1), DONE], True),
    ],
    ids=[
        "none",
        "all at once",
        "all in the end",
        "the first load",
        "history moves",
        "no time for history",
        "endless",
        "a new stretch",
    ],
)
def test_the_next_load_begins_at_once_only_while_history_moves(loads, expected):
    assert goes_on(loads) is expected


def test_time_for_history_is_short_until_there_are_marts(tmp_path):
    current = Settings(data_dir=tmp_path, first_backfill_minutes=2, backfill_minutes=20)
    connection = SimpleNamespace(id="c1")
    before = _budget(current, connection, until_done=False)
    assert (before.first_backfill_s, before.backfill_s) == (120, 120)
    marts = SimpleNamespace(open_for_reading=duckdb.connect)
    publish(marts, current.published_dir, "c1", timedelta(0))
    after = _budget(current, connection, until_done=False)
    assert (after.first_backfill_s, after.backfill_s) == (120, 1200)
    assert after.audit == current.sentry_audit_budget
    assert _budget(current, connection, until_done=True).backfill_s == float("inf")

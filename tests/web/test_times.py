from datetime import UTC, datetime, timedelta

import pytest

from include.web.times import clock, counted, relative, span, stamp, took

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "just now"),
        (-29, "just now"),
        (-45, "1 minute ago"),
        (-100, "2 minutes ago"),
        (-1800, "30 minutes ago"),
        (-3560, "59 minutes ago"),
        (-3599, "1 hour ago"),
        (-3600, "1 hour ago"),
        (-3600 * 13, "13 hours ago"),
        (-3600 * 23.9, "1 day ago"),
        (-86400 * 3, "3 days ago"),
        (1, "in a moment"),
        (60, "in 1 minute"),
        (86400 * 30, "in 30 days"),
    ],
)
def test_relative(seconds, words):
    assert relative(NOW + timedelta(seconds=seconds), NOW) == words


def test_span():
    assert span(timedelta(seconds=3)) == "less than a minute"
    assert span(timedelta(hours=25)) == "1 day"


def test_took():
    assert took(timedelta(seconds=44.4)) == "44 s"
    assert took(timedelta(seconds=134)) == "2 min 14 s"
    assert took(timedelta(hours=2, minutes=2)) == "2 hours"
    assert took(timedelta(seconds=-1)) == "0 s"


def test_stamps():
    at = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
    assert stamp(at) == "4 Mar 2026, 05:06 UTC"
    assert clock(at, at + timedelta(hours=2)) == "05:06 UTC"
    assert clock(at, NOW) == "4 Mar 2026, 05:06 UTC"


def test_counted():
    assert counted(1, "issue") == "1 issue"
    assert counted(1200, "oddity") == "1,200 oddities"
    assert counted(0, "day") == "0 days"

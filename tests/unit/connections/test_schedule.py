"""When connections are loaded."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from include.connections.schedule import SCHEDULES, cron, next_load

IDS = [f"c{n:016x}" for n in range(600)]
NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)


def test_loads_are_spread_over_the_hour_and_never_move():
    minutes = Counter(cron(one, "hourly").split()[0] for one in IDS)
    assert len(minutes) == 60
    assert max(minutes.values()) < 30
    assert cron("c1", "hourly") == cron("c1", "hourly")
    assert cron("c1", "hourly").endswith(" * * * *")


@pytest.mark.parametrize(
    ("schedule", "hours"), [("hourly", 1), ("every-6-hours", 6), ("daily", 24)]
)
def test_a_schedule_is_as_often_as_it_says(schedule, hours):
    for one in IDS[:50]:
        first = next_load(one, schedule, NOW)
        assert NOW < first <= NOW + timedelta(hours=hours)
        assert next_load(one, schedule, first) == first + timedelta(hours=hours)


def test_loads_that_are_rare_are_spread_over_their_hours():
    assert len({cron(one, "daily") for one in IDS}) > 300
    assert SCHEDULES.keys() == {"hourly", "every-6-hours", "daily"}

"""When a connection is loaded."""

from datetime import datetime
from zlib import crc32

from croniter import croniter

SCHEDULES = {
    "hourly": "every hour",
    "every-6-hours": "every six hours",
    "daily": "once a day",
}
"""How often a connection can be loaded, for people."""

_HOURS = {"hourly": 1, "every-6-hours": 6, "daily": 24}


class InvalidSchedule(Exception):
    """There is no such schedule."""

    def __init__(self, schedule: str) -> None:
        super().__init__(f"There is no schedule {schedule!r}: choose {', '.join(SCHEDULES)}.")


def cron(connection_id: str, schedule: str) -> str:
    """Return the cron expression of a connection's loads, at a minute and hour of its own.

    They are spread by the id and never move, so that many connections do not all start at once.

    Args:
        connection_id: The connection.
        schedule: A key of `SCHEDULES`.
    """
    every = _HOURS[schedule]
    spread = crc32(connection_id.encode())
    minute, hour = spread % 60, spread // 60 % every
    if every == 1:
        return f"{minute} * * * *"
    return f"{minute} {','.join(str(at) for at in range(hour, 24, every))} * * *"


def next_load(connection_id: str, schedule: str, now: datetime) -> datetime:
    """Return when a connection is loaded next, if nothing is in the way."""
    found: datetime = croniter(cron(connection_id, schedule), now).get_next(datetime)
    return found

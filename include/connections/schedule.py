"""When a connection is loaded."""

from zlib import crc32


def hourly(connection_id: str) -> str:
    """Return the cron expression of an hourly load, at a minute of the connection's own.

    The minute is spread over the hour by the id and never moves, so that many connections do not
    all start at once.
    """
    return f"{crc32(connection_id.encode()) % 60} * * * *"

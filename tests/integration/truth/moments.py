"""Epoch seconds, days and weeks in UTC."""

from datetime import UTC, date, datetime, timedelta


def moment(seconds: float) -> datetime:
    """Return epoch seconds as aware UTC."""
    return datetime.fromtimestamp(seconds, tz=UTC)


def midnight(day: date) -> datetime:
    """Return the first moment of a UTC day."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def monday(day: date) -> date:
    """Return the first day of an ISO week."""
    return day - timedelta(days=day.weekday())


def hours(earlier: datetime, later: datetime) -> float:
    """Return the time between two moments in hours."""
    return (later - earlier) / timedelta(hours=1)

"""Times and numbers as people read them."""

from datetime import UTC, datetime, timedelta


def span(length: timedelta) -> str:
    """Return a length of time in its largest unit, rounded, e.g. `3 minutes`."""
    if (minutes := round(length.total_seconds() / 60)) < 1:
        return "less than a minute"
    if minutes < 60:
        return counted(minutes, "minute")
    if (hours := round(minutes / 60)) < 24:
        return counted(hours, "hour")
    return counted(round(hours / 24), "day")


def relative(moment: datetime, now: datetime) -> str:
    """Return when something was or will be, as seen from now, e.g. `3 minutes ago`."""
    if abs(moment - now) < timedelta(seconds=30):
        return "just now" if moment <= now else "in a moment"
    if moment <= now:
        return f"{span(now - moment)} ago"
    return f"in {span(moment - now)}"


def took(length: timedelta) -> str:
    """Return how long something took, to the second where that matters, e.g. `2 min 14 s`."""
    minutes, seconds = divmod(max(0, round(length.total_seconds())), 60)
    if minutes >= 60:
        return span(length)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def clock(moment: datetime, now: datetime) -> str:
    """Return when something will be, without the date if that is soon, e.g. `01:02 UTC`."""
    is_soon = abs(moment - now) < timedelta(hours=20)
    return f"{moment.astimezone(UTC):%H:%M} UTC" if is_soon else stamp(moment)


def stamp(moment: datetime) -> str:
    """Return a moment to the minute, e.g. `26 Nov 2026, 00:28 UTC`."""
    there = moment.astimezone(UTC)
    return f"{there.day} {there:%b %Y, %H:%M} UTC"


def counted(count: int, noun: str) -> str:
    """Return a number of things, e.g. `1,204 issues`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {plural(noun)}"


def plural(noun: str) -> str:
    """Return the plural of one of the regular nouns we use."""
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}s"

"""The days of history that a person asks to have loaded again."""

from datetime import date

Days = tuple[date | None, date | None]
"""First and last day, both included; None where it is left open."""

NONE: Days = (None, None)


class WrongDays(Exception):
    """The days that were asked for cannot be loaded."""


def day(text: str) -> date:
    """Return the day that a text names.

    Raises:
        WrongDays: It names none.
    """
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError):
        raise WrongDays(f"{text!r} is no day: write one like 2026-10-01.") from None


def days(first: str | None, last: str | None) -> Days:
    """Return the days between two, both included.

    Raises:
        WrongDays: One is no day, or the last one is before the first.
    """
    asked = (day(first) if first else None, day(last) if last else None)
    if asked[0] and asked[1] and asked[0] > asked[1]:
        raise WrongDays(f"{first} is after {last}: name the first day first.")
    return asked


def in_words(asked: Days) -> str:
    """Return days for people to read."""
    first, last = asked
    parts = [f"from {first}" if first else "", f"to {last}" if last else ""]
    return " ".join(part for part in parts if part)

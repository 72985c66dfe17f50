"""Moments as epoch seconds, aware datetimes and Sentry's ISO strings."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(seconds: float) -> datetime:
    """Return epoch seconds as aware UTC, to the microsecond."""
    return datetime.fromtimestamp(round(seconds, 6), tz=UTC)


def iso(at: datetime) -> str:
    """Return Sentry's form of a time: `2026-11-02T09:00:00Z`, microseconds only where there are."""
    return at.isoformat().replace("+00:00", "Z")


def optional_iso(at: datetime | None) -> str | None:
    """Return `iso`, or None for None."""
    return None if at is None else iso(at)

"""Where the loads of a connection stand: what moves only together with the rows it stands for.

Kept in dlt's state, which is merged with the data and restored from the destination. What was
swept is not here: it is compared with the rows themselves.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from msgspec import Struct, convert, field, to_builtins


def midnight(day: date) -> datetime:
    """Return the first moment of a UTC day."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


class Server(Struct):
    """What the connection's server can do, found out at connect and daily.

    Attributes:
        checked_at: Sentry's time at the last check; None before the first complete one.
        reads_by_id: `group=` answers with the issues asked for, and only them.
        spans_projects: One request may cover several projects (feature `global-views`).
        counts_issues: `issues-timeseries` is there, so that counts can be reconciled.
    """

    checked_at: datetime | None = None
    reads_by_id: bool = True
    spans_projects: bool = True
    counts_issues: bool = True


class Backfill(Struct):
    """A stretch of history that is read in slices, newest first.

    Attributes:
        start, end: Issues with events between these are wanted, and volumes of these days.
        projects: Ids; empty for all. The days of single projects are read where their hourly
            counts show errors, not here.
        again: Asked for by a person: everything found is read again, day by day of its events.
            Otherwise every issue is met once, by when it was first seen.
        asked_at: When a person asked: histories read since then need not be read again.
        asked_for: First and last day as a person asked, None for an open end.
        issues_from: Issues first seen (`again`: with events) from here on are done; None at first.
        days_from: Daily volumes from this day on are done; None at first.
    """

    start: datetime
    end: datetime
    projects: list[str] = field(default_factory=list)
    again: bool = False
    asked_at: datetime | None = None
    asked_for: tuple[date | None, date | None] = (None, None)
    issues_from: datetime | None = None
    days_from: date | None = None

    def is_same(self, other: "Backfill") -> bool:
        """Tell whether another one was asked for with the same words."""
        return self.again and other.again and self.asked_for == other.asked_for

    def awaits(self, day: date) -> bool:
        """Tell whether the daily volumes of a day are still to be read."""
        is_done = self.days_from is not None and day >= self.days_from
        return not self.projects and self.start <= midnight(day) < self.end and not is_done


class Reconciliation(Struct):
    """Issues first seen within the retention: what Sentry counts, and what the warehouse holds.

    Attributes:
        at: Sentry's time at the comparison.
        expected, actual: Issues by Sentry's count, and by ours.
    """

    at: datetime
    expected: int
    actual: int


class Watermarks(Struct):
    """Where the loads stand.

    Attributes:
        searched_until: End of the last complete search, by project.
        volumes_read_until: End of the hourly counts, by project.
        days_final_until: First day whose volumes by issue and release are not final.
        days_changed: Days whose hourly counts changed since their volumes were read.
        releases_read_at: The last reading of all releases.
        swept_at: The last sweep of all issues, and not only of the open and recent ones.
        backfills: What waits to be read, in this order.
        unread: Projects that were hidden when their history was read.
        server: What the server can do.
        compared_at: When issues were last to be counted against Sentry's own counts.
        reconciled: What came of the last comparison that succeeded.
        disputed: Days of projects on which Sentry counts other resolutions than the warehouse
            holds, and since when: histories read since then need not be read again for that.
    """

    searched_until: dict[str, datetime] = field(default_factory=dict)
    volumes_read_until: dict[str, datetime] = field(default_factory=dict)
    days_final_until: date | None = None
    days_changed: set[date] = field(default_factory=set)
    releases_read_at: datetime | None = None
    swept_at: datetime | None = None
    backfills: list[Backfill] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)
    server: Server = field(default_factory=Server)
    compared_at: datetime | None = None
    reconciled: Reconciliation | None = None
    disputed: dict[str, datetime] = field(default_factory=dict)


DAILY = timedelta(days=1)


def is_due(last: datetime | None, now: datetime, every: timedelta = DAILY) -> bool:
    """Tell whether something that is done every so often has to be done now."""
    # A time in the future came with an answer whose date was wrong.
    return last is None or now - last >= every or last > now


def from_state(state: dict[str, Any]) -> Watermarks:
    """Return the watermarks in dlt's state of the source."""
    return convert(state.get("watermarks", {}), Watermarks)


def to_state(watermarks: Watermarks) -> dict[str, Any]:
    """Return the watermarks as what dlt's state of the source is to hold."""
    return {"watermarks": to_builtins(watermarks)}

"""Connections whose marts are older than their schedule allows."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec import convert
from sqlalchemy import select

from include.connections.models import ConnectionRow, LoadReportRow
from include.connections.registry import Registry
from include.connections.reports import LoadReport
from include.connections.schedule import next_load
from include.connections.states import State


@dataclass(frozen=True, slots=True)
class Overdue:
    """A connection whose marts should have been published since.

    Attributes:
        connection_id: The connection.
        due: When the load was due that should have published them.
    """

    connection_id: str
    due: datetime


def overdue_loads(registry: Registry, tolerance: timedelta, now: datetime) -> list[Overdue]:
    """Return the connections that are overdue, the longest first.

    A load is due by the schedule after the last publish, or after the connection was made or made
    again, whatever came last.

    Args:
        registry: The connections.
        tolerance: What a load may take until its marts are published.
        now: The moment.
    """
    wanted = (
        select(
            ConnectionRow.id, ConnectionRow.schedule, ConnectionRow.changed_at, LoadReportRow.report
        )
        .outerjoin(LoadReportRow, LoadReportRow.connection_id == ConnectionRow.id)
        .where(ConnectionRow.state == State.CONNECTED)
    )
    with registry.database.reading() as session:
        rows = session.execute(wanted).all()
    found = []
    for row in rows:
        published_at = convert(row.report or {}, LoadReport).published_at
        last = max(row.changed_at, published_at) if published_at else row.changed_at
        due = next_load(row.id, row.schedule, last)
        if now - due > tolerance:
            found.append(Overdue(row.id, due))
    return sorted(found, key=lambda one: one.due)

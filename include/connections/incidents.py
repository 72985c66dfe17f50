"""What somebody is told of, once for each incident: opened, told, and forgotten when it is over."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from include.connections.database import Database
from include.connections.models import IncidentRow

CLAIMED = timedelta(minutes=10)
"""Telling takes a minute at most; a process that began it so long ago was killed."""


class Kind(StrEnum):
    """What has happened to a connection.

    Attributes:
        FAILED: A load failed for good, and nothing was published since.
        LOST: Sentry does not accept the connection any more.
        OVERDUE: Its marts are older than its schedule allows, and no load says why.
        PURGE_LATE: Half of the time within which its data has to be deleted is over.
        PURGE_BROKEN: All of it is.
    """

    FAILED = "failed"
    LOST = "lost"
    OVERDUE = "overdue"
    PURGE_LATE = "purge_late"
    PURGE_BROKEN = "purge_broken"


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that has happened.

    Attributes:
        connection_id: To which connection.
        kind: What.
        since: When.
    """

    connection_id: str
    kind: Kind
    since: datetime

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from all others that are open."""
        return self.connection_id, self.kind


class Incidents:
    """Reads and writes incidents.

    Args:
        database: Holds them.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[Incident]:
        """Return those that are open, the oldest first."""
        with self._database.reading() as session:
            rows = session.scalars(select(IncidentRow).order_by(IncidentRow.since))
            return [_incident(row) for row in rows]

    def open(self, incident: Incident) -> None:
        """Note an incident; one that is open already stays as it is."""
        with self._database.writing() as session:
            _open(session, incident)

    def settle(self, before: Collection[Incident], now: Collection[Incident]) -> None:
        """Open the incidents that are new, and forget those that are over.

        Args:
            before: Those that were open when somebody began to look; others were opened meanwhile.
            now: Those that were seen.
        """
        over = {one.key for one in before} - {one.key for one in now}
        with self._database.writing() as session:
            for key in over:
                if (row := session.get(IncidentRow, key)) is not None:
                    session.delete(row)
            for incident in now:
                _open(session, incident)

    def claim(self, now: datetime) -> list[Incident]:
        """Return incidents that nobody was told of yet; for some minutes nobody else gets them."""
        with self._database.writing() as session:
            rows = session.scalars(_untold(now).with_for_update(skip_locked=True)).all()
            for row in rows:
                row.claimed_at = now
            return [_incident(row) for row in rows]

    def release(self, incidents: Sequence[Incident], told_at: datetime | None) -> None:
        """Note that somebody was told of claimed incidents; None if that did not work."""
        with self._database.writing() as session:
            for one in incidents:
                row = session.get(IncidentRow, one.key)
                if row is not None:
                    row.claimed_at, row.told_at = None, told_at

    def last_told(self) -> datetime | None:
        """Return when somebody was told of anything that is still open."""
        with self._database.reading() as session:
            return session.scalar(select(func.max(IncidentRow.told_at)))


def _untold(now: datetime) -> Select[IncidentRow]:
    return (
        select(IncidentRow)
        .where(
            IncidentRow.told_at.is_(None),
            or_(IncidentRow.claimed_at.is_(None), IncidentRow.claimed_at < now - CLAIMED),
        )
        .order_by(IncidentRow.since)
    )


def _open(session: Session, incident: Incident) -> None:
    if session.get(IncidentRow, incident.key) is None:
        row = IncidentRow(
            connection_id=incident.connection_id, kind=incident.kind, since=incident.since
        )
        session.add(row)


def _incident(row: IncidentRow) -> Incident:
    return Incident(row.connection_id, Kind(row.kind), row.since)

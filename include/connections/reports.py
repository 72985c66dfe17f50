"""What is known of a connection's latest loads, for people: numbers and our own words only.

The loads write it, and the Integrations page reads it; nobody has to open a warehouse for that.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum

from msgspec import Struct, convert, field, to_builtins

from include.connections.database import Database
from include.connections.models import ConnectionRow, LoadReportRow
from include.connections.states import State

KEPT = (State.CONNECTED, State.DISCONNECTED)
"""States in which a connection has a report."""


class Step(StrEnum):
    """What a run of the DAG is doing."""

    LOAD = "load"
    BUILD = "build"
    PUBLISH = "publish"


class Reading(Struct, frozen=True):
    """How far a load is with one kind of thing.

    Attributes:
        what: Of which kind, in our words.
        done, total: How many are read, of how many; None while nobody knows.
    """

    what: str
    done: int
    total: int | None = None


class Coverage(Struct, frozen=True):
    """How much of the organization the connecting user shows us.

    Attributes:
        projects: Projects that are read.
        hidden: Projects that exist, or were read before, and are not shown to us.
        is_complete: No history waits to be read.
        since: The day from which on all tables are complete, ISO 8601; None while that is open.
    """

    projects: int
    hidden: int
    is_complete: bool
    since: str | None = None


class LoadReport(Struct):
    """The latest loads of a connection.

    Attributes:
        began_at: When the run under way, or the last one, began.
        step: What it is doing; None if it is over.
        ended_at: When its last step ended.
        readings: How far its load is, by kind.
        failed: What failed last, and what to do about it, in a sentence; None if nothing did.
        loaded_at: When a load last succeeded.
        published_at: When marts were last published.
        first_published_at: When marts were published for the first time.
        requests: Requests to Sentry of the last load.
        waited_s: Seconds these waited for their turn and for Sentry's limits.
        rows: Rows in the warehouse's tables that the last load wrote, by table.
        published: Rows of the published marts, by mart.
        changes: Issues that were new or changed, by reason.
        warnings: What was odd, by kind, counted.
        coverage: How much of the organization is read.
    """

    began_at: datetime | None = None
    step: Step | None = None
    ended_at: datetime | None = None
    readings: list[Reading] = field(default_factory=list)
    failed: str | None = None
    loaded_at: datetime | None = None
    published_at: datetime | None = None
    first_published_at: datetime | None = None
    requests: int = 0
    waited_s: float = 0.0
    rows: dict[str, int] = field(default_factory=dict)
    published: dict[str, int] = field(default_factory=dict)
    changes: dict[str, int] = field(default_factory=dict)
    warnings: dict[str, int] = field(default_factory=dict)
    coverage: Coverage | None = None


class Reports:
    """Reads and writes load reports.

    Args:
        database: Holds them.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, connection_id: str) -> LoadReport:
        """Return a connection's report; an empty one before its first load."""
        with self._database.reading() as session:
            row = session.get(LoadReportRow, connection_id)
        return LoadReport() if row is None else convert(row.report, LoadReport)

    def change(self, connection_id: str, change: Callable[[LoadReport], None]) -> None:
        """Change a connection's report; nothing happens if it is being deleted."""
        with self._database.writing() as session:
            connection = session.get(ConnectionRow, connection_id, with_for_update=True)
            if connection is None or connection.state not in KEPT:
                return
            row = session.get(LoadReportRow, connection_id)
            report = LoadReport() if row is None else convert(row.report, LoadReport)
            change(report)
            if row is None:
                row = LoadReportRow(connection_id=connection_id)
                session.add(row)
            row.report, row.updated_at = to_builtins(report), datetime.now(UTC)

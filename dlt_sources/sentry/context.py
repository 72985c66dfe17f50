"""One load: what it reads with, what it knows, and what it counts."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from dlt_sources.sentry import endpoints
from dlt_sources.sentry.allowlist import Organization, Project
from dlt_sources.sentry.client import Client
from dlt_sources.sentry.known import Known
from dlt_sources.sentry.pseudonyms import Pseudonyms
from dlt_sources.sentry.tables import TABLES, Row

RETENTION = timedelta(days=90)
"""How far back Sentry's event store answers (30 days on smaller plans: it answers with less)."""


@dataclass(slots=True)
class Load:
    """The context of one load.

    Attributes:
        run_id: Identifier of the run.
        client: Reads the organization.
        pseudonyms: Of the connection.
        known: What the warehouse holds.
        organization: The organization, read at the start.
        projects: The projects the connecting user can see, read at the start.
        as_of: Sentry's time at the start; every window ends by it.
        concurrency: Requests under way at once.
        rows: Rows written, by table.
        changes: Issues new or changed, by reason.
        issues_read: Issues read.
        explained: Issues whose history was read.
    """

    run_id: str
    client: Client
    pseudonyms: Pseudonyms
    known: Known
    organization: Organization
    projects: list[Project]
    as_of: datetime
    concurrency: int
    rows: Counter[str] = field(default_factory=Counter)
    changes: Counter[str] = field(default_factory=Counter)
    issues_read: int = 0
    explained: int = 0

    def table(self, name: str, rows: Iterable[Row]) -> pa.Table:
        """Return rows as the Arrow table to yield, counted."""
        table = TABLES[name].to_arrow(rows)
        self.rows[name] += table.num_rows
        return table

    @property
    def readable_project_ids(self) -> list[str]:
        """Projects whose numbers may be asked for; one without access fails a whole request."""
        return [project.id for project in self.projects if project.has_access is not False]

    @property
    def first_day(self) -> datetime:
        """Midnight of the first whole UTC day inside the retention."""
        return day_start(self.as_of - RETENTION + timedelta(days=1))


def begin(
    run_id: str, client: Client, pseudonyms: Pseudonyms, known: Known, concurrency: int = 2
) -> Load:
    """Read organization and projects, and return the context of a load.

    Nothing has been written when this fails, so a wrong token, an unknown organization or a missing
    scope leaves no trace in the warehouse.

    Raises:
        SentryError: See `errors`.
    """
    organization = client.get(endpoints.ORGANIZATION, Organization, {"detailed": 0})
    projects = {
        project.id: project
        for page in client.pages(endpoints.PROJECTS, list[Project], {"per_page": 100})
        for project in page
    }
    return Load(
        run_id=run_id,
        client=client,
        pseudonyms=pseudonyms,
        known=known,
        organization=organization,
        projects=list(projects.values()),
        as_of=client.server_time or datetime.now(UTC),
        concurrency=concurrency,
    )


def day_start(moment: datetime) -> datetime:
    """Return midnight UTC of a moment's day."""
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def iso(moment: datetime) -> str:
    """Return a moment as Sentry's `start` and `end` want it: ISO 8601, taken as UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")

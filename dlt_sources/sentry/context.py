"""One load: what it reads with, what it knows, where it stands, and what it counts."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from dlt_sources.sentry import endpoints, vocabulary
from dlt_sources.sentry.allowlist import Links, Organization, Project
from dlt_sources.sentry.checks import Checks
from dlt_sources.sentry.client import Client
from dlt_sources.sentry.errors import (
    AccessDenied,
    EndpointGone,
    Fatal,
    NotFound,
    Retryable,
    UnexpectedResponse,
    UnknownOrganization,
    WrongOrganization,
)
from dlt_sources.sentry.known import Known, KnownIssues
from dlt_sources.sentry.parallel import Workers
from dlt_sources.sentry.pseudonyms import Pseudonyms
from dlt_sources.sentry.watermarks import Watermarks, midnight

RETENTION = timedelta(days=90)
"""How far back Sentry's event store answers (30 days on smaller plans: it answers with less)."""

SETTLING = timedelta(minutes=5)
"""Events this young may still be on their way into Sentry's event store."""

NARROWEST = timedelta(hours=1)
"""A window that is too much for Sentry is halved down to this."""

CONTROL = "https://sentry.io"
"""Where sentry.io tells in which region an organization is (`api/endpoints/organization_*`)."""

COMPLETE = """
    select 1 from {load_runs}
    where is_complete and _dlt_load_id in (select load_id from {_dlt_loads} where status = 0)
    limit 1
"""
"""Finds a load that reached its end."""

Progress = Callable[[str, int, int | None], None]
"""Told what is being read, how much of it is done, and how much there is (None: not known)."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What a load may spend.

    Attributes:
        audit: Histories that it reads again although nothing seems to have changed.
        day_pages: Pages of daily volumes, beside the pass that it makes once a day.
        backfill_s: Seconds from its start after which it begins no further slice of history.
        first_backfill_s: The same for a connection's first load, after which marts appear.
    """

    audit: int = 50
    day_pages: int = 10
    backfill_s: float = float("inf")
    first_backfill_s: float = float("inf")


@dataclass(slots=True)
class Load:
    """The context of one load.

    Attributes:
        run_id: Identifier of the run.
        client: Reads the organization.
        known: What the warehouse holds.
        issues: The issues in it, as they were when the load began.
        watermarks: Where the loads stand; what a step moves is stored with its rows.
        budget: What the load may spend.
        organization: The organization, read at the start.
        projects: The projects the connecting user can see, read at the start.
        as_of: Sentry's time at the start; every window ends by it.
        is_first: No load before this one reached its end.
        pseudonyms: Of the connection.
        warnings: What was odd, by kind, counted; kinds hold no values.
        checks: Finishes rows.
        progress: Told how far the load is.
        workers: Threads for requests.
        too_wide: The narrowest window that was too much for Sentry, by endpoint.
        lost: Resources that could not be read, with our word for why.
        hits: Issues with events within the retention, as Sentry estimates them where a search for
            all of them was made (see `server`); else 0.
        seen: Issues met by this load.
        changes: Issues new or changed, by reason.
        counts: Everything else that is counted, by name of its column in `load_runs`.
        histories: Issues whose history was read for the first time.
        started: Monotonic seconds at the start.
    """

    run_id: str
    client: Client
    known: Known
    issues: KnownIssues
    watermarks: Watermarks
    budget: Budget
    organization: Organization
    projects: list[Project]
    as_of: datetime
    is_first: bool
    pseudonyms: Pseudonyms
    warnings: Counter[str]
    checks: Checks
    progress: Progress
    workers: Workers
    too_wide: dict[str, timedelta] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)
    hits: int = 0
    seen: set[str] = field(default_factory=set)
    changes: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    histories: set[str] = field(default_factory=set)
    started: float = field(default_factory=time.monotonic)

    @property
    def readable_project_ids(self) -> list[str]:
        """Projects whose numbers may be asked for; one without access fails a whole request."""
        return [project.id for project in self.projects if project.has_access is not False]

    @property
    def searched_project_ids(self) -> list[str]:
        """Readable projects that no request of this load was refused for."""
        return [one for one in self.readable_project_ids if f"project {one}" not in self.lost]

    @property
    def search_end(self) -> datetime:
        """End of the searched windows, pinned for all of their pages."""
        return self.as_of - SETTLING

    @property
    def first_day(self) -> datetime:
        """Midnight of the first whole UTC day inside the retention."""
        return day_start(self.as_of - RETENTION + timedelta(days=1))

    @property
    def has_time(self) -> bool:
        """Whether another slice of history may begin."""
        budget = self.budget.first_backfill_s if self.is_first else self.budget.backfill_s
        return time.monotonic() - self.started < budget

    @property
    def days_waiting_until(self) -> datetime | None:
        """End of the latest day that is final and whose volumes wait for the daily pass, if any."""
        final_until = self.watermarks.days_final_until
        waiting = [day for day in self.watermarks.days_changed if final_until and day < final_until]
        if not waiting:
            return None
        return midnight(max(waiting) + timedelta(days=1))

    @property
    def present_issues(self) -> int:
        """How many issues are there: known, and neither merged, deleted nor out of reach."""
        return self.issues.live + self.changes["new"] - self.changes["lost"]

    @property
    def explained_issues(self) -> int:
        """How many of the issues that are there had their history read."""
        new = self.issues.without_history(self.histories)
        return min(self.issues.explained + new, self.present_issues)

    @contextmanager
    def optional(self, resource: str) -> Iterator[None]:
        """Let a load go on without what it can do without, whatever became of the request.

        Only what concerns the whole connection, such as a rejected token, still ends it.
        """
        try:
            yield
        except (AccessDenied, Fatal, Retryable) as failure:
            self.lose(
                resource, "access_lost" if isinstance(failure, AccessDenied) else "unavailable"
            )

    @contextmanager
    def tolerating(self, resource: str) -> Iterator[None]:
        """Let a load go on without a resource that it may not or cannot read, and say which.

        In a connection's first load nothing is tolerated: what is refused then was never granted.
        Nothing stored is deleted: what was read before stays as it was.
        """
        if self.is_first:
            yield
            return
        try:
            yield
        except AccessDenied:
            self.lose(resource, "access_lost")
        except EndpointGone:
            self.lose(resource, "endpoint_gone")
        except NotFound:
            self.lose(resource, "not_found")
        except UnexpectedResponse:
            self.lose(resource, "unreadable")

    def is_too_wide(self, endpoint: str, width: timedelta) -> bool:
        """Tell whether a window as wide was too much for Sentry before, in this load."""
        return endpoint in self.too_wide and width >= self.too_wide[endpoint]

    def note_too_wide(self, endpoint: str, width: timedelta) -> None:
        """Remember that a window was too much for Sentry, so that none as wide is asked for."""
        if width >= 2 * NARROWEST:
            self.too_wide[endpoint] = min(width, self.too_wide.get(endpoint, width))

    def lose(self, resource: str, reason: str) -> None:
        """Remember that a resource cannot be read at present."""
        self.lost[resource] = reason
        self.warnings[f"{resource}: {reason.replace('_', ' ')}"] += 1


def begin(  # noqa: PLR0913 - what a load needs, each by name
    *,
    run_id: str,
    client: Client,
    salt: bytes,
    known: Known,
    watermarks: Watermarks,
    budget: Budget,
    progress: Progress,
    workers: Workers,
) -> Load:
    """Read organization and projects, and return the context of a load.

    Nothing has been written when this fails, so a wrong token, an unknown organization or a missing
    scope leaves no trace in the warehouse.

    Raises:
        SentryError: See `errors`.
    """
    organization = _organization(client, known)
    projects = {
        project.id: project
        for page in client.pages(endpoints.PROJECTS, list[Project], {"per_page": 100})
        for project in page
    }
    if not all(vocabulary.ID.accepts(one) for one in (organization.id, *projects)):
        raise UnexpectedResponse(
            "Sentry sent an id of an organization or a project that is none. Update "
            "corvana-sentry, or report it with this sentence."
        )
    pseudonyms = Pseudonyms(salt)
    return Load(
        run_id=run_id,
        client=client,
        known=known,
        issues=KnownIssues(known),
        watermarks=watermarks,
        budget=budget,
        organization=organization,
        projects=list(projects.values()),
        as_of=client.server_time or datetime.now(UTC),
        is_first=not known.query(COMPLETE),
        pseudonyms=pseudonyms,
        warnings=client.warnings,
        checks=Checks(pseudonyms, client.warnings),
        progress=progress,
        workers=workers,
    )


def _organization(client: Client, known: Known) -> Organization:
    """Return the organization, from then on addressed by its id and in its region.

    Slugs change and are used again by others, ids are not. An organization that moved is unknown in
    its old region; the control silo knows the new one.
    """
    pinned = known.query("select id from {organizations} limit 1")
    if pinned:
        client.organization = str(pinned[0][0])
    try:
        organization = _read_organization(client)
    except UnknownOrganization:
        if not client.base_url.endswith(".sentry.io"):
            raise
        client.move_to(CONTROL)
        organization = _read_organization(client)
    if pinned and organization.id != client.organization:
        raise WrongOrganization(
            "Sentry answered with another organization than the one that was connected. Connect "
            "the right one again."
        )
    client.organization = organization.id
    links = organization.links
    if isinstance(links, Links) and links.region_url:
        client.move_to(links.region_url)
    return organization


def _read_organization(client: Client) -> Organization:
    return client.get(endpoints.ORGANIZATION, Organization, {"detailed": 0})


def day_start(moment: datetime) -> datetime:
    """Return midnight UTC of a moment's day."""
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def iso(moment: datetime) -> str:
    """Return a moment as Sentry's `start` and `end` want it: ISO 8601, taken as UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")

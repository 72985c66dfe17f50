"""The switches of the sandbox: which of Sentry's surprises it shows, and which Sentry it is.

The default is a modern, healthy, hosted Sentry. Every switch can be set from the start, in process
(`sandbox.behaviours.set(drift=True)`) and over HTTP (`PATCH /sandbox/behaviours`).
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from include.sandbox.faults import Fault
from include.sandbox.request_log import OAUTH_ROUTES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

API_ROUTES = (
    "organizations",
    "organization",
    "projects",
    "environments",
    "releases",
    "deploys",
    "issues",
    "issue",
    "activities",
    "stats_v2",
    "events",
    "issues-timeseries",
    "open-periods",
    "project",
)
"""Names of the API's routes."""
LOGGED_ROUTES = frozenset({*API_ROUTES, "issues?group"}) | OAUTH_ROUTES
"""Names in the request log: a bulk read by `group=` has one of its own."""
ORIGIN = r"^https?://[^/?#\s]+$"

Count = Annotated[int, Meta(ge=1)]
Account = Literal[
    "active",
    "removed",
    "sso-required",
    "member-disabled-over-limit",
    "user-inactive",
    "application-inactive",
]


class OtherOrganization(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another organization that the installing user is a member of; there is nothing in it.

    Attributes:
        id: Numeric, as Sentry's ids.
        slug: Its short name. The full name is a canary, as everywhere.
    """

    id: Annotated[str, Meta(pattern="^[0-9]+$")]
    slug: Annotated[str, Meta(pattern="^[a-z0-9_-]+$")]


class Behaviours(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One state of every switch.

    Attributes:
        empty_page: A long issue search has one empty page in the middle whose Link says that more
            follows (Sentry's post-filter, organization_group_index.py).
        short_pages: Pages of the issue search may have fewer rows than `limit` though more follow.
        group_parameter: What `issues/?group=` does. `works`: a bulk read by id. `ignored`: the
            parameter is unknown, so the answer is an ordinary search with its defaults.
            `refused`: 400. It is not in Sentry's description, so one day it may be either.
        degraded_search: The issue search finds errors only and says nothing (Sentry's executors.py
            answers so when one of its parallel category queries failed).
        global_views: Off: a query over several projects is 400 on issues (search and `group`)
            and events, as without Sentry's feature `global-views`. Releases, environments,
            stats_v2 and issues-timeseries have no such check in Sentry and stay allowed.
        missing_endpoints: Routes this server does not have (404 as any unknown path). Sentry 24.9
            lacks issues-timeseries and open-periods, 9.1 lacks activities and stats_v2.
        retention_days: Days events are kept. The issue search is clamped to them silently, events/
            refuses what lies wholly before them. Outcomes (stats_v2) are not events and stay.
        query_timeout_hours: Queries over a span longer than this time out (400). On the issue
            search the span is what `firstSeen` leaves of the window; also on events, stats_v2.
        search_timeout_hours: Issue searches whose window of events is longer than this time out
            likewise, however narrow `firstSeen` makes them. Not the bulk read by `group=`.
        organization_slug: The organization was renamed to this: its old slug is 404, its id works.
        project_slugs: New slugs of renamed projects by id. Short ids keep the old one.
        moved_to: The organization lives at this origin: everything about it is 404 here, but
            for what a control silo knows.
        is_control_silo: This server lists organizations of other regions, shows `links.regionUrl`
            and has OAuth's routes. Matters where the organization has moved.
        other_organizations: Further organizations of the installing user, which live here.
        deleted_projects: Ids of projects that are gone, with all that belongs to them.
        hidden_projects: Ids of projects that the installing user cannot see. Missing from every
            list, from search, `group=` and `project=-1`; asked for by id, 403 for the whole call.
        has_access_false: Ids of projects that are hidden likewise, but listed with `hasAccess`
            false (the projects list shows what exists, whoever asks).
        account: What became of the installing user or of us. `removed` from the organization: 403,
            and the organization leaves the list. `sso-required` and `member-disabled-over-limit`:
            401 with an object as `detail`. `user-inactive`, `application-inactive`: 401.
        silent_consent: A user who has authorized all of the scopes before is sent back without
            being asked, unless the client says `force_prompt`. Off: the user is always asked.
        requires_org_level_access: The application is one whose users choose a single organization
            at each consent; its tokens are for that one and their responses name it.
        legacy_redirect_uris: Users are sent back to any address that merely starts with a
            registered one, as for Sentry's applications of version 0.
        granted_scopes: What a consent grants in place of the scopes that were asked for.
        client_error: The error of the token endpoint for a wrong client; older Sentry says
            `invalid_credentials`.
        replica_lag_calls: So many API calls with a new token are 401 "Invalid token" first:
            regions learn of a token asynchronously.
        token_lifetime_s: Seconds until a new access token expires, by the sandbox's clock. None:
            it never does, and `expires_in` is null.
        refresh_tokens: Off: new access tokens come without a refresh token, which is null.
        drift: Declared fields of some rows have another type than documented; never an issue's id,
            status or project id. A canary is in every value that can hold one.
        unknown_words: Enums of some rows hold values nobody knows, some of them free text.
        action_log: Activities come from Sentry's append-only action log: other ids, `source`,
            types unheard of, merged issues by id only (flag `issue-action-log-activity`).
        late_counts: Counts arrive late: a share of each hour in stats_v2 until it is 48 hours old,
            batches of events up to 6 hours late in events/.
        missing_rows: stats_v2 leaves out its smallest rows where it groups several projects.
        requests_per_window: Requests a wall-clock second allows; beyond them 429. The rate-limit
            headers are honest then, so their Reset is by wall clock, unlike the Date header.
        concurrency_limit: Requests under way at once; beyond them 429. Only `latency_ms` and slow
            answers make requests overlap.
        latency_ms: Every answer of the API and of OAuth's routes comes so much later.
        faults: What goes wrong; the first rule that applies decides.
    """

    empty_page: bool = True
    short_pages: bool = False
    group_parameter: Literal["works", "ignored", "refused"] = "works"
    degraded_search: bool = False
    global_views: bool = True
    missing_endpoints: frozenset[str] = frozenset()
    retention_days: Annotated[int, Meta(ge=1, le=90)] = 90
    query_timeout_hours: Annotated[float, Meta(gt=0)] | None = None
    search_timeout_hours: Annotated[float, Meta(gt=0)] | None = None
    organization_slug: Annotated[str, Meta(pattern="^[a-z0-9_-]+$")] | None = None
    project_slugs: dict[str, Annotated[str, Meta(pattern="^[a-z0-9_-]+$")]] = {}
    moved_to: Annotated[str, Meta(pattern=ORIGIN)] | None = None
    is_control_silo: bool = True
    other_organizations: tuple[OtherOrganization, ...] = ()
    deleted_projects: frozenset[str] = frozenset()
    hidden_projects: frozenset[str] = frozenset()
    has_access_false: frozenset[str] = frozenset()
    account: Account = "active"
    silent_consent: bool = True
    requires_org_level_access: bool = False
    legacy_redirect_uris: bool = False
    granted_scopes: frozenset[Annotated[str, Meta(pattern="^[a-z:_]+$")]] | None = None
    client_error: Literal["invalid_client", "invalid_credentials"] = "invalid_client"
    replica_lag_calls: Annotated[int, Meta(ge=0)] = 0
    token_lifetime_s: Count | None = 30 * 86400
    refresh_tokens: bool = True
    drift: bool = False
    unknown_words: bool = False
    action_log: bool = False
    late_counts: bool = False
    missing_rows: bool = False
    requests_per_window: Count | None = None
    concurrency_limit: Count | None = None
    latency_ms: Annotated[float, Meta(ge=0)] = 0.0
    faults: tuple[Fault, ...] = ()

    def __post_init__(self) -> None:
        """Refuse names of routes that do not exist, which no type can."""
        strange = set(self.missing_endpoints) - set(API_ROUTES)
        if strange:
            raise ValueError(f"missing_endpoints has no such routes: {', '.join(sorted(strange))}")
        asked = frozenset[str]().union(*(fault.routes for fault in self.faults))
        if asked - LOGGED_ROUTES:
            names = ", ".join(sorted(asked - LOGGED_ROUTES))
            raise ValueError(f"faults has no such routes: {names}")


class BehaviourError(ValueError):
    """A change the sandbox refuses; the message is a sentence for the person who asked."""


class Switchboard:
    """Holds the behaviours of a running sandbox.

    They are swapped as a whole, from any thread; a request sees one state from start to end.
    """

    def __init__(self, start: Behaviours | None = None) -> None:
        self._start = start or Behaviours()
        self.current = self._start

    def set(self, **changes: object) -> Behaviours:
        """Change some switches and leave the others as they are; return the new state.

        Setting `faults` starts their counts and their chance afresh.

        Raises:
            BehaviourError: There is no such switch, or it cannot have that value.
        """
        self.current = changed(self.current, changes)
        return self.current

    def reset(self) -> Behaviours:
        """Go back to the behaviours of the start."""
        self.current = self._start
        return self.current

    @contextmanager
    def during(self, **changes: object) -> Iterator[Behaviours]:
        """Change some switches for the length of a `with` block."""
        before = self.current
        try:
            yield self.set(**changes)
        finally:
            self.current = before


def changed(behaviours: Behaviours, changes: Mapping[str, object]) -> Behaviours:
    """Return the behaviours with changes, checked as if they had come over HTTP.

    Raises:
        BehaviourError: As `Switchboard.set`.
    """
    try:
        asked = msgspec.convert(changes, Behaviours)
        # Only what was named is taken over: all other values keep their identity.
        chosen = {name: getattr(asked, name) for name in changes}
        return msgspec.structs.replace(behaviours, **chosen)
    except (msgspec.ValidationError, ValueError) as error:
        raise BehaviourError(f"{error}.") from error


def from_json(content: bytes | str) -> dict[str, object]:
    """Read changes from JSON; `changed` checks them.

    Raises:
        BehaviourError: It is no JSON object.
    """
    try:
        return msgspec.json.decode(content, type=dict[str, object])
    except msgspec.DecodeError as error:
        raise BehaviourError(f"Behaviours are a JSON object of switches: {error}.") from error

"""What was asked of the sandbox: counts by route, and the last requests themselves."""

from __future__ import annotations

from collections import Counter, deque
from typing import NamedTuple

OAUTH_ROUTES = frozenset({"oauth-authorize", "oauth-token"})
"""Routes of the control silo that are no part of the API."""
GRANT_TYPES = frozenset({"authorization_code", "refresh_token"})
KEPT = 5000
"""Requests that are kept with their query; older ones are only counted."""


class Asked(NamedTuple):
    """A request: its route, and its query as it was sent (never a body)."""

    route: str
    query: str


class RequestLog:
    """Counts requests, in all and by route, refused ones included.

    Routes have the names of `behaviours.LOGGED_ROUTES`. `recent` is for tests in process; over
    HTTP only the counts can be read. `by_grant_type` counts what reached the token endpoint:
    `authorization_code`, `refresh_token`, and anything else as `other`.
    """

    def __init__(self) -> None:
        self.by_route: Counter[str] = Counter()
        self.by_grant_type: Counter[str] = Counter()
        self.recent: deque[Asked] = deque(maxlen=KEPT)

    @property
    def total(self) -> int:
        """Requests since the start or the last reset."""
        return self.by_route.total()

    def record(self, route: str, query: str) -> None:
        """Note a request."""
        self.by_route[route] += 1
        self.recent.append(Asked(route, query))

    def record_grant(self, grant_type: str) -> None:
        """Note what a request to the token endpoint wanted."""
        # A word that Sentry does not know is not kept: it may be anything a client mixed up.
        self.by_grant_type[grant_type if grant_type in GRANT_TYPES else "other"] += 1

    def queries(self, route: str) -> list[str]:
        """Return the queries of the last requests of a route, oldest first."""
        return [asked.query for asked in self.recent if asked.route == route]

    def reset(self) -> None:
        """Forget everything."""
        self.by_route.clear()
        self.by_grant_type.clear()
        self.recent.clear()

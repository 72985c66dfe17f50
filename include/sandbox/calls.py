"""One request to the API: its parameters, read by Sentry's rules."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from include.sandbox.errors import QUERY_TIMEOUT, bad_request, forbidden

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.types import Scope

    from include.sandbox.organization import Project
    from include.sandbox.view import View

PERIOD = re.compile(r"(\d+)([smhdw]?)")
UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "": 1}
FOLLOWED = "sandbox-followed"
"""Marks an address that a redirect within the host led to; it is not redirected again."""
DEFAULT_WINDOW = timedelta(days=90)
"""Without dates Sentry looks at 90 days (api/utils.py, MAX_STATS_PERIOD)."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request that passed the gate.

    Attributes:
        origin: Scheme, host and port the client used.
        url: Address without the query.
        query: Raw query string.
        params: Every value of each parameter, in order; empty values included.
        path: Values of the path's variables, decoded.
        only_organization: Id of the one organization that the token is for; None for all.
    """

    origin: str
    url: str
    query: str
    params: Mapping[str, list[str]]
    path: Mapping[str, str]
    only_organization: str | None = None

    def one(self, name: str) -> str | None:
        """Return the last value of a parameter, None where it is absent."""
        values = self.params.get(name)
        return values[-1] if values else None

    def many(self, name: str) -> list[str]:
        """Return all values of a parameter."""
        return self.params.get(name, [])


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: the body (encoded already where it is bytes) and headers beside the usual."""

    body: object
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time, `start <= time < end`; `is_explicit` where start and end were given."""

    start: datetime
    end: datetime
    is_explicit: bool = False


def read_call(scope: Scope) -> Call:
    """Return the request of an ASGI scope."""
    query = scope["query_string"].decode("latin-1")
    origin = f"{scope['scheme']}://{header(scope, b'host')}"
    raw_path = scope.get("raw_path") or scope["path"].encode()
    params = parse_qs(query, keep_blank_values=True)
    if FOLLOWED in params:
        # The mark of a followed redirect is not to come back in links.
        kept = [part for part in query.split("&") if not part.startswith(FOLLOWED)]
        query = "&".join(kept)
    return Call(
        origin=origin,
        url=origin + raw_path.decode("latin-1"),
        query=query,
        params=params,
        path=scope.get("path_params", {}),
    )


def header(scope: Scope, name: bytes) -> str:
    """Return the first header of a name, "" without one."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value.decode("latin-1"))
    return ""


def window(view: View, call: Call, default: timedelta = DEFAULT_WINDOW) -> Window:
    """Return the requested span: `statsPeriod` before `start` and `end`, else the default.

    Raises:
        ApiError: 400, as Sentry's `api/utils.py` get_date_range_from_params.
    """
    return optional_window(view, call) or Window(view.now - default, view.now)


def optional_window(view: View, call: Call) -> Window | None:
    """Return the requested span, None where the request names none."""
    period = call.one("statsPeriod")
    if period:
        return Window(view.now - _duration(period), view.now)
    start, end = call.one("start"), call.one("end")
    if not start and not end:
        return None
    if not start or not end:
        raise bad_request("start and end are both required")
    span = Window(read_time(start), read_time(end), is_explicit=True)
    if span.start >= span.end:
        raise bad_request("start must be before end")
    return span


def interval(call: Call, default: str) -> timedelta:
    """Return the parameter `interval` as a duration."""
    value = call.one("interval") or default
    found = PERIOD.fullmatch(value)
    if found is None or not int(found[1]):
        raise bad_request(f"Invalid interval: {value!r}")
    return timedelta(seconds=int(found[1]) * UNIT_S[found[2]])


def projects(view: View, call: Call) -> tuple[Project, ...]:
    """Return the projects a request is about.

    Omitted means the installing user's own (Sentry's `bases/organization.py` get_projects);
    `-1` means all that can be reached. Ids and slugs are understood.

    Raises:
        ApiError: 403 for the whole call if one is out of reach; 400 for an unknown slug.
    """
    wanted, reach = call.many("project"), view.reach
    if not wanted:
        return tuple(project for project in reach.reachable if project.is_member)
    if "-1" in wanted:
        return reach.reachable
    chosen = []
    for name in wanted:
        if name in reach.by_name:
            chosen.append(reach.by_name[name])
        elif name.isdigit() or name in reach.withheld:
            raise forbidden()
        else:
            raise bad_request("Invalid project parameter. Values must be numbers.")
    return tuple(dict.fromkeys(chosen))


def refuse_several(view: View, chosen: Sequence[Project], detail: str) -> None:
    """Refuse a query over more than one project where the feature `global-views` is off.

    Raises:
        ApiError: 400 with the endpoint's sentence.
    """
    if len(chosen) > 1 and not view.behaviours.global_views:
        raise bad_request(detail)


def refuse_wide(view: View, start: float, end: float) -> None:
    """Let a query over too wide a span time out, where that is switched on.

    Args:
        view: The organization.
        start: Epoch seconds.
        end: Epoch seconds.

    Raises:
        ApiError: 400, which a client should answer with a smaller span (api/utils.py).
    """
    _refuse_beyond(view.behaviours.query_timeout_hours, end - start)


def refuse_wide_search(view: View, asked: Window) -> None:
    """Let an issue search over too wide a window of events time out, where that is switched on.

    Unlike `refuse_wide` it counts the window as asked for: a narrow `firstSeen` does not help.

    Raises:
        ApiError: 400, which a client should answer with a smaller window (api/utils.py).
    """
    span = asked.end - asked.start
    _refuse_beyond(view.behaviours.search_timeout_hours, span.total_seconds())


def _refuse_beyond(hours: float | None, span_s: float) -> None:
    if hours is not None and span_s > hours * 3600:
        raise bad_request(QUERY_TIMEOUT)


def no_environment(call: Call) -> None:
    """Refuse the environment filter, which the sandbox has no facts for.

    Raises:
        ApiError: 400.
    """
    if call.many("environment"):
        raise bad_request("This sandbox cannot filter by environment.")


def _duration(period: str) -> timedelta:
    found = PERIOD.fullmatch(period)
    if found is None:
        raise bad_request(f"Invalid statsPeriod: '{period}'")
    try:
        return timedelta(seconds=int(found[1]) * UNIT_S[found[2]])
    except OverflowError:
        raise bad_request(f"Invalid statsPeriod: '{period}'") from None


def read_time(value: str) -> datetime:
    """Read an ISO time; one without a zone is UTC.

    Raises:
        ApiError: 400, it is none.
    """
    try:
        # A "+" of an offset arrives as a space when a client forgot to encode it.
        at = datetime.fromisoformat(value.strip().replace(" ", "+") if "T" in value else value)
    except ValueError:
        raise bad_request(f"{value} is not a valid ISO8601 date query") from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)

"""One request to the API: its parameters, read by Sentry's rules."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from include.sandbox.errors import bad_request, forbidden

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.sandbox.organization import Project
    from include.sandbox.view import View

PERIOD = re.compile(r"(\d+)([smhdw]?)")
UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "": 1}
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
    """

    origin: str
    url: str
    query: str
    params: Mapping[str, list[str]]
    path: Mapping[str, str]

    def one(self, name: str) -> str | None:
        """Return the last value of a parameter, None where it is absent."""
        values = self.params.get(name)
        return values[-1] if values else None

    def many(self, name: str) -> list[str]:
        """Return all values of a parameter."""
        return self.params.get(name, [])


@dataclass(frozen=True, slots=True)
class Reply:
    """A 200: the body (encoded already where it is bytes) and headers beside the usual."""

    body: object
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time, `start <= time < end`; `is_explicit` where start and end were given."""

    start: datetime
    end: datetime
    is_explicit: bool = False


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
    span = Window(_time(start), _time(end), is_explicit=True)
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
    `-1` means all. Ids and slugs are understood.

    Raises:
        ApiError: 403 for the whole call if one id is out of reach; 400 for an unknown slug.
    """
    wanted = call.many("project")
    every = view.organization.projects
    if not wanted:
        return tuple(project for project in every if project.is_member)
    if "-1" in wanted:
        return every
    by_name = {project.slug: project for project in every} | view.organization.projects_by_id
    chosen = []
    for name in wanted:
        if name in by_name:
            chosen.append(by_name[name])
        elif name.isdigit():
            raise forbidden()
        else:
            raise bad_request("Invalid project parameter. Values must be numbers.")
    return tuple(dict.fromkeys(chosen))


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


def _time(value: str) -> datetime:
    """Read an ISO time; one without a zone is UTC."""
    try:
        # A "+" of an offset arrives as a space when a client forgot to encode it.
        at = datetime.fromisoformat(value.strip().replace(" ", "+") if "T" in value else value)
    except ValueError:
        raise bad_request(f"{value} is not a valid ISO8601 date query") from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)

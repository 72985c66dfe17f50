"""The part of Sentry's issue search language that the sandbox understands."""

from __future__ import annotations

import operator
import re
from typing import TYPE_CHECKING, NamedTuple

from include.sandbox.calls import read_time
from include.sandbox.errors import ApiError, bad_request

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_QUERY = "is:unresolved"
STATUSES = {
    "is:unresolved": "unresolved",
    "is:resolved": "resolved",
    "is:archived": "ignored",
    "is:ignored": "ignored",
}
TERM = re.compile(r"\S+?:\[[^\]]*\]|\S+")
FIRST_SEEN = re.compile(r"firstSeen:(>=|<=|>|<)(\S+)")
ISSUE_ID = re.compile(r"issue\.id:(?:(\d+)|\[\s*(\d+(?:\s*,\s*\d+)*)\s*\])")
COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


class Query(NamedTuple):
    """Terms that all have to hold.

    Attributes:
        statuses: The status must be each of these.
        first_seen: Bounds of the first event of all time, in epoch seconds: Sentry looks for it
            in Postgres, whatever the window (search/snuba/executors.py).
        ids: The issue must be one of these; None for any. It must have an event in the window too.
    """

    statuses: frozenset[str] = frozenset()
    first_seen: tuple[tuple[str, float], ...] = ()
    ids: frozenset[str] | None = None

    def is_born_in_time(self, first_seen: float) -> bool:
        """Return whether an issue's first event (epoch seconds) is within the bounds."""
        return all(COMPARE[sign](first_seen, bound) for sign, bound in self.first_seen)

    def has_status(self, status: str) -> bool:
        """Return whether a status is wanted."""
        return all(status == wanted for wanted in self.statuses)

    def span(self, start: float, end: float) -> tuple[float, float]:
        """Return what the bounds leave of a window (epoch seconds)."""
        lows = [bound for sign, bound in self.first_seen if sign.startswith(">")]
        highs = [bound for sign, bound in self.first_seen if sign.startswith("<")]
        return max([start, *lows]), min([end, *highs])


def read_query(text: str | None) -> Query:
    """Read a query; none at all is Sentry's default, an empty one is everything.

    Raises:
        ApiError: 400 for a term that the sandbox does not know.
    """
    text = DEFAULT_QUERY if text is None else text.strip()
    statuses, bounds, ids = set[str](), list[tuple[str, float]](), None
    for term in TERM.findall(text):
        if term in STATUSES:
            statuses.add(STATUSES[term])
        elif (found := FIRST_SEEN.fullmatch(term)) is not None:
            bounds.append((found[1], _seconds(found[2], text)))
        elif (found := ISSUE_ID.fullmatch(term)) is not None:
            wanted = {one.strip() for one in (found[1] or found[2]).split(",")}
            ids = wanted if ids is None else ids & wanted
        else:
            raise _unreadable(text)
    return Query(frozenset(statuses), tuple(bounds), None if ids is None else frozenset(ids))


def _seconds(value: str, text: str) -> float:
    try:
        return read_time(value).timestamp()
    except ApiError:
        raise _unreadable(text) from None


def _unreadable(text: str) -> ApiError:
    return bad_request(f"Error parsing search query: {text}")

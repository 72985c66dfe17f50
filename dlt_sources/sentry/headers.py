"""What Sentry says in the headers of its responses.

All of it is text from outside: what is not of the known form says nothing. Headers are given by
their names in lower case.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

Headers = Mapping[str, str]

_LIMIT = "x-sentry-rate-limit-"
_WHOLE = re.compile(r"[0-9]{1,15}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Budget:
    """What is left of the rate limit that a request counted against.

    Attributes:
        limit: Requests of a window.
        remaining: Requests left in it.
        reset_s: Seconds until the next window, by the server's clock.
        at_once: Requests that may be under way at once.
    """

    limit: int | None
    remaining: int | None
    reset_s: float | None
    at_once: int | None


def budget(headers: Headers, now: datetime | None) -> Budget | None:
    """Return a response's rate limit; None where there is none, as on self-hosted servers.

    The headers are set by `middleware/ratelimit.py`; where a limit does not apply, the text of one
    can be `None`. `Reset` is in epoch seconds of the server's clock, which `Date` tells: ours is
    not asked.
    """
    if f"{_LIMIT}limit" not in headers and f"{_LIMIT}reset" not in headers:
        return None
    reset = _whole(headers, f"{_LIMIT}reset")
    return Budget(
        limit=_whole(headers, f"{_LIMIT}limit"),
        remaining=_whole(headers, f"{_LIMIT}remaining"),
        reset_s=None if reset is None or now is None else max(reset - now.timestamp(), 0.0),
        at_once=_whole(headers, f"{_LIMIT}concurrentlimit"),
    )


def retry_after_s(headers: Headers, now: datetime | None) -> float | None:
    """Return the seconds after which to try again, if the server or a proxy before it says so.

    Sentry itself does not; `Retry-After` is in seconds or a date (RFC 9110, 10.2.3).
    """
    seconds = _whole(headers, "retry-after")
    if seconds is not None:
        return float(seconds)
    moment = _moment(headers.get("retry-after", ""))
    if moment is None or now is None:
        return None
    return max((moment - now).total_seconds(), 0.0)


def server_time(headers: Headers) -> datetime | None:
    """Return the server's time. Ours is no watermark: the two clocks may differ."""
    return _moment(headers.get("date", ""))


def next_cursor(headers: Headers) -> str | None:
    """Return the next page's cursor, or None on the last page.

    Sentry sends a `next` link on every page; only its `results="true"` means that there is one
    (docs.sentry.io/api/pagination). Some lists have no `Link` header at all: one page.
    """
    if "link" not in headers:
        return None
    link = httpx.Response(200, headers={"Link": headers["link"]}).links.get("next", {})
    return link.get("cursor") if link.get("results") == "true" else None


def hits(headers: Headers) -> int | None:
    """Return how many results a search has: an estimate beyond one page."""
    return _whole(headers, "x-hits")


def _whole(headers: Headers, name: str) -> int | None:
    text = headers.get(name, "")
    return int(text) if _WHOLE.fullmatch(text) else None


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

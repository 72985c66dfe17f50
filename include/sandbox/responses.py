"""Responses with the headers that everything of the sandbox carries."""

from __future__ import annotations

from email.utils import format_datetime
from typing import TYPE_CHECKING

import msgspec
from starlette.responses import Response

from include.sandbox.canaries import HEADERS

if TYPE_CHECKING:
    from include.sandbox.clock import Clock

RATE_LIMIT = 1_000_000


def usual_headers(clock: Clock) -> dict[str, str]:
    """Return the sandbox's date, generous rate limits by Sentry's names, and canaries.

    The names are those of Sentry's middleware/ratelimit.py; Reset is in epoch seconds.
    """
    return {
        "Date": format_datetime(clock.now, usegmt=True),
        "X-Sentry-Rate-Limit-Limit": str(RATE_LIMIT),
        "X-Sentry-Rate-Limit-Remaining": str(RATE_LIMIT - 1),
        "X-Sentry-Rate-Limit-Reset": str(int(clock.now.timestamp()) + 1),
        "X-Sentry-Rate-Limit-ConcurrentLimit": "1000",
        "X-Sentry-Rate-Limit-ConcurrentRemaining": "999",
        **HEADERS,
    }


def json_response(status: int, body: object, clock: Clock, **headers: str) -> Response:
    """Return a response in JSON; bytes are JSON already."""
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return Response(
        content, status, {**usual_headers(clock), **headers}, media_type="application/json"
    )

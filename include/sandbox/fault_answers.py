"""How each fault looks on the wire."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import Response, StreamingResponse

from include.sandbox import canaries
from include.sandbox.calls import FOLLOWED
from include.sandbox.errors import QUERY_TIMEOUT
from include.sandbox.rate_limit import too_concurrent, too_frequent
from include.sandbox.responses import json_response, usual_headers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

    from include.sandbox.calls import Call
    from include.sandbox.clock import Clock
    from include.sandbox.faults import Hit

SERVER_ERRORS = (500, 502, 503, 504)
LIMIT, CONCURRENCY = 40, 25
PIECES = 10
CHUNK_BYTES = 65536
TRANSPORT = "transport"
"""Under this name the server leaves a connection's transport in the state of its requests."""
NOTICE_S = 0.05
HTML = (
    f"<!doctype html><html><head><title>{canaries.text('html-title')}</title></head>"
    f"<body><h1>Down for maintenance</h1><p>{canaries.text('html-body')}</p></body></html>"
)


def instead(hit: Hit, call: Call, clock: Clock) -> ASGIApp | None:
    """Return what is answered in place of the truth, None where the fault needs the truth."""
    make = _INSTEAD.get(hit.fault.kind)
    if make is not None:
        return make(hit, clock)
    if hit.fault.kind == "redirect_same_host" and FOLLOWED not in call.params:
        mark = f"{call.query}&" if call.query else ""
        return _redirect(f"{call.url}?{mark}{FOLLOWED}=1", clock)
    return None


def spoiled(hit: Hit, truth: Response) -> ASGIApp:
    """Return the true answer with what the fault does to it."""
    make = _SPOILED.get(hit.fault.kind)
    return truth if make is None else make(hit, truth)


def rate_limited(detail: str, clock: Clock, **headers: str) -> Response:
    """Return Sentry's 429: JSON by content, text/html by its header, no Retry-After."""
    response = json_response(429, {"detail": detail}, clock, **headers)
    response.headers["Content-Type"] = "text/html; charset=utf-8"
    return response


def _too_frequent(_hit: Hit, clock: Clock) -> Response:
    headers = {
        "X-Sentry-Rate-Limit-Limit": str(LIMIT),
        "X-Sentry-Rate-Limit-Remaining": "0",
    }
    return rate_limited(too_frequent(LIMIT), clock, **headers)


def _retry_after(hit: Hit, clock: Clock) -> Response:
    response = _too_frequent(hit, clock)
    response.headers["Retry-After"] = f"{hit.fault.seconds:g}"
    return response


def _too_concurrent(hit: Hit, clock: Clock) -> Response:
    headers = {
        "X-Sentry-Rate-Limit-ConcurrentLimit": str(CONCURRENCY),
        "X-Sentry-Rate-Limit-ConcurrentRemaining": "None" if hit.number % 2 else "0",
    }
    return rate_limited(too_concurrent(CONCURRENCY), clock, **headers)


def _query_timeout(_hit: Hit, clock: Clock) -> Response:
    return json_response(400, {"detail": QUERY_TIMEOUT}, clock)


def _internal_error(_hit: Hit, clock: Clock) -> Response:
    return json_response(400, {"detail": "Internal error. Please try again."}, clock)


def _server_error(hit: Hit, clock: Clock) -> Response:
    return _html(SERVER_ERRORS[hit.number % len(SERVER_ERRORS)], clock)


def _html(status: int, clock: Clock) -> Response:
    return Response(HTML, status, usual_headers(clock), media_type="text/html")


def _brownout(_hit: Hit, clock: Clock) -> Response:
    body = {"message": "This API no longer exists."}
    return json_response(410, body, clock, **_deprecation())


def _deprecation() -> dict[str, str]:
    """The headers of a deprecated endpoint (Sentry's api/helpers/deprecation.py)."""
    return {
        "X-Sentry-Deprecation-Date": "2026-06-01T00:00:00+00:00",
        "X-Sentry-Replacement-Endpoint": f"/api/1/{canaries.CANARY}/",
    }


def _redirect_elsewhere(hit: Hit, clock: Clock) -> Response:
    return _redirect(hit.fault.location, clock)


def _redirect(location: str, clock: Clock) -> Response:
    return json_response(302, {}, clock, Location=location)


def _oversized(hit: Hit, clock: Clock) -> ASGIApp:
    chunks = _chunks(hit.fault.megabytes * 1_000_000)
    return StreamingResponse(chunks, 200, usual_headers(clock), media_type="application/json")


async def _chunks(size: int) -> AsyncIterator[bytes]:
    """Yield a JSON array of about so many bytes."""
    row = json.dumps({"id": "1", "title": canaries.text("oversized")}).encode() + b","
    yield b"["
    for _ in range(-(-size // CHUNK_BYTES)):
        yield row * (CHUNK_BYTES // len(row) + 1)
    yield row[:-1] + b"]"


def _deprecated(_hit: Hit, truth: Response) -> Response:
    for name, value in _deprecation().items():
        truth.headers[name] = value
    return truth


def _truncated(_hit: Hit, truth: Response) -> Response:
    truth.body = bytes(truth.body)[: len(truth.body) // 2]
    truth.headers["Content-Length"] = str(len(truth.body))
    return truth


@dataclass(frozen=True, slots=True)
class _Dropped:
    """The truth, half of it; as the app ends without an end, the server closes the connection."""

    truth: Response

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        half = bytes(self.truth.body)[: len(self.truth.body) // 2]
        start = {"status": self.truth.status_code, "headers": self.truth.raw_headers}
        await send({"type": "http.response.start", **start})
        await send({"type": "http.response.body", "body": half, "more_body": True})


@dataclass(frozen=True, slots=True)
class _Lost:
    """Nothing: the connection is closed before the first byte."""

    async def __call__(self, scope: Scope, _receive: Receive, _send: Send) -> None:
        scope["state"][TRANSPORT].abort()
        # Only when the server has noticed that nobody is there does it send no 500.
        await asyncio.sleep(NOTICE_S)


def _dropped(_hit: Hit, truth: Response) -> ASGIApp:
    return _Dropped(truth)


def _gateway_timeout(_hit: Hit, truth: Response) -> Response:
    # A proxy says so, which knows nothing of Sentry's headers.
    return Response(HTML, 504, {"Date": truth.headers["Date"]}, media_type="text/html")


def _dripping(hit: Hit, truth: Response) -> ASGIApp:
    response = StreamingResponse(_pieces(bytes(truth.body), hit.fault.seconds), truth.status_code)
    response.raw_headers = truth.raw_headers
    return response


async def _pieces(body: bytes, seconds: float) -> AsyncIterator[bytes]:
    """Yield a body in small pieces, spread over some seconds."""
    size = max(1, len(body) // PIECES)
    for low in range(0, len(body), size):
        await asyncio.sleep(seconds / PIECES)
        yield body[low : low + size]


_INSTEAD: dict[str, Callable[[Hit, Clock], ASGIApp]] = {
    "rate_limited": _too_frequent,
    "rate_limited_with_retry_after": _retry_after,
    "concurrency": _too_concurrent,
    "query_timeout": _query_timeout,
    "internal_error_400": _internal_error,
    "server_error": _server_error,
    "html_200": lambda _hit, clock: _html(200, clock),
    "html_503": lambda _hit, clock: _html(503, clock),
    "brownout": _brownout,
    "redirect_elsewhere": _redirect_elsewhere,
    "oversized": _oversized,
}
_SPOILED: dict[str, Callable[[Hit, Response], ASGIApp]] = {
    "deprecated": _deprecated,
    "truncated_json": _truncated,
    "dropped_connection": _dropped,
    "lost_response": lambda _hit, _truth: _Lost(),
    "gateway_timeout": _gateway_timeout,
    "slow_drip": _dripping,
}

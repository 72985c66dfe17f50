"""What every request passes: authentication, scopes, methods, the common headers, the log."""

from __future__ import annotations

import hmac
from collections import Counter
from dataclasses import dataclass
from email.utils import format_datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import msgspec
from starlette.responses import Response

from include.sandbox.calls import Call, Reply
from include.sandbox.canaries import HEADERS
from include.sandbox.errors import ApiError, forbidden, not_found

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Receive, Scope, Send

    from include.sandbox.clock import Clock
    from include.sandbox.view import View

MAX_QUERY_BYTES = 8000
RATE_LIMIT = 1_000_000


class RequestLog:
    """Counts the API's requests, in all and by route, refused ones included.

    Routes have the names of `server.ROUTES`; a bulk read by `group=` is `issues?group`.
    """

    def __init__(self) -> None:
        self.by_route: Counter[str] = Counter()

    @property
    def total(self) -> int:
        """Requests since the start or the last reset."""
        return self.by_route.total()

    def reset(self) -> None:
        """Start counting at zero."""
        self.by_route.clear()


@dataclass(frozen=True, slots=True)
class Access:
    """Whom the API lets in: one bearer token with its scopes."""

    token: str
    scopes: frozenset[str]


def json_response(status: int, body: object, clock: Clock, **headers: str) -> Response:
    """Return a response with the sandbox's date and rate-limit headers.

    The limits are Sentry's header names (middleware/ratelimit.py) with generous numbers.
    """
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    usual = {
        "Date": format_datetime(clock.now, usegmt=True),
        "X-Sentry-Rate-Limit-Limit": str(RATE_LIMIT),
        "X-Sentry-Rate-Limit-Remaining": str(RATE_LIMIT - 1),
        "X-Sentry-Rate-Limit-Reset": str(int(clock.now.timestamp()) + 1),
        "X-Sentry-Rate-Limit-ConcurrentLimit": "1000",
        "X-Sentry-Rate-Limit-ConcurrentRemaining": "999",
    }
    return Response(content, status, {**usual, **HEADERS, **headers}, media_type="application/json")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One route of the API as an ASGI application.

    Attributes:
        name: Its name in the request log.
        scope: The OAuth scope Sentry asks for.
        handler: Answers a request that may be answered.
        view: The organization.
        access: Whom to let in.
        log: Counts every request.
    """

    name: str
    scope: str
    handler: Callable[[View, Call], Reply]
    view: View
    access: Access
    log: RequestLog

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        call = _call(scope)
        is_bulk = self.name == "issues" and "group" in call.params
        self.log.by_route["issues?group" if is_bulk else self.name] += 1
        try:
            self._admit(scope, call)
            reply = self.handler(self.view, call)
            response = json_response(200, reply.body, self.view.clock, **reply.headers)
        except ApiError as error:
            response = json_response(error.status, {"detail": error.detail}, self.view.clock)
        await response(scope, receive, send)

    def _admit(self, scope: Scope, call: Call) -> None:
        """Check in Sentry's order: who, where, what for, how."""
        self._authenticate(_header(scope, b"authorization"))
        organization = self.view.organization
        if call.path.get("org", organization.id) not in {organization.id, organization.slug}:
            raise not_found()
        if self.scope not in self.access.scopes:
            raise forbidden()
        if scope["method"] not in {"GET", "HEAD"}:
            raise ApiError(405, f'Method "{scope["method"]}" not allowed.')
        if len(call.query) > MAX_QUERY_BYTES:
            raise ApiError(414, "Request-URI Too Long")

    def _authenticate(self, authorization: str) -> None:
        kind, _, token = authorization.partition(" ")
        if kind.lower() != "bearer" or not token:
            raise ApiError(401, "Authentication credentials were not provided.")
        if not hmac.compare_digest(token.strip().encode(), self.access.token.encode()):
            raise ApiError(401, "Invalid token")


def _call(scope: Scope) -> Call:
    query = scope["query_string"].decode("latin-1")
    origin = f"{scope['scheme']}://{_header(scope, b'host')}"
    raw_path = scope.get("raw_path") or scope["path"].encode()
    return Call(
        origin=origin,
        url=origin + raw_path.decode("latin-1"),
        query=query,
        params=parse_qs(query, keep_blank_values=True),
        path=scope.get("path_params", {}),
    )


def _header(scope: Scope, name: bytes) -> str:
    for key, value in scope["headers"]:
        if key == name:
            return str(value.decode("latin-1"))
    return ""

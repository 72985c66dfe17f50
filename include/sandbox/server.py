"""The stand-in Sentry as a web application, and a way to run it for tests."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from include.sandbox.clock import Clock, ClockError
from include.sandbox.discover import events
from include.sandbox.gate import Access, Endpoint, RequestLog, json_response
from include.sandbox.issue_endpoints import activities, detail
from include.sandbox.search import issues
from include.sandbox.shipping import deploys, releases
from include.sandbox.structure import environments, organization, organizations, project_list
from include.sandbox.trends import issues_timeseries, open_periods
from include.sandbox.view import View
from include.sandbox.volumes import stats

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from starlette.requests import Request
    from starlette.responses import Response

    from include.sandbox.calls import Call, Reply
    from include.sandbox.organization import Organization

DEFAULT_TOKEN = "sandbox-token"  # noqa: S105  # opens nothing but the sandbox
DEFAULT_SCOPES = frozenset({"project:read", "org:read", "event:read"})
API = "/api/0/organizations/"
START_TIMEOUT_S = 20.0

ROUTES: tuple[tuple[str, str, str, Callable[[View, Call], Reply]], ...] = (
    ("organizations", "", "org:read", organizations),
    ("organization", "{org}/", "org:read", organization),
    ("projects", "{org}/projects/", "org:read", project_list),
    ("environments", "{org}/environments/", "org:read", environments),
    ("releases", "{org}/releases/", "project:read", releases),
    ("deploys", "{org}/releases/{version:path}/deploys/", "project:read", deploys),
    ("issues", "{org}/issues/", "event:read", issues),
    ("issue", "{org}/issues/{issue_id}/", "event:read", detail),
    ("activities", "{org}/issues/{issue_id}/activities/", "event:read", activities),
    ("stats_v2", "{org}/stats_v2/", "org:read", stats),
    ("events", "{org}/events/", "org:read", events),
    ("issues-timeseries", "{org}/issues-timeseries/", "org:read", issues_timeseries),
    ("open-periods", "{org}/open-periods/", "org:read", open_periods),
)
"""Name, path, scope, handler; scopes as in Sentry's api/bases."""


def create_app(
    organization: Organization,
    clock: Clock,
    *,
    token: str = DEFAULT_TOKEN,
    scopes: frozenset[str] = DEFAULT_SCOPES,
    requests: RequestLog | None = None,
) -> Starlette:
    """Return the application; everything but the listed routes is 404.

    Args:
        organization: What it answers about.
        clock: When it answers; moved by `POST /sandbox/clock` too.
        token: The one bearer token it accepts.
        scopes: The token's scopes.
        requests: Where to count requests; a new log unless given.
    """
    view, log = View(organization, clock), requests or RequestLog()
    access = Access(token, scopes)
    routes = [
        Route(API + path, Endpoint(name, scope, handler, view, access, log))
        for name, path, scope, handler in ROUTES
    ]
    app = Starlette(
        routes=[*routes, *_controls(clock, log)], exception_handlers={404: _missing(clock)}
    )
    # Sentry answers 404 without the trailing slash, so must we.
    app.router.redirect_slashes = False
    return app


def _missing(clock: Clock) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def missing(_request: Request, _error: Exception) -> Response:
        return json_response(404, {"detail": "The requested resource does not exist"}, clock)

    return missing


def _controls(clock: Clock, log: RequestLog) -> list[Route]:
    """The sandbox's own routes: health, clock, request log."""

    async def health(_request: Request) -> Response:
        return json_response(200, {"status": "ok"}, clock)

    async def clock_now(_request: Request) -> Response:
        return json_response(200, _hands(clock), clock)

    async def clock_advance(request: Request) -> Response:
        try:
            order = msgspec.json.decode(await request.body(), type=Advance)
            clock.advance(order.advance_seconds)
        except msgspec.DecodeError as error:
            detail = f'Send {{"advance_seconds": n}} as JSON: {error}.'
            return json_response(400, {"detail": detail}, clock)
        except ClockError as error:
            return json_response(400, {"detail": str(error)}, clock)
        return json_response(200, _hands(clock), clock)

    async def requests_read(_request: Request) -> Response:
        return json_response(200, {"total": log.total, "by_route": dict(log.by_route)}, clock)

    async def requests_reset(_request: Request) -> Response:
        log.reset()
        return json_response(200, {"total": 0, "by_route": {}}, clock)

    return [
        Route("/sandbox/health", health),
        Route("/sandbox/clock", clock_now, methods=["GET"]),
        Route("/sandbox/clock", clock_advance, methods=["POST"]),
        Route("/sandbox/requests", requests_read, methods=["GET"]),
        Route("/sandbox/requests", requests_reset, methods=["DELETE"]),
    ]


class Advance(msgspec.Struct):
    """The body of `POST /sandbox/clock`."""

    advance_seconds: float


def _hands(clock: Clock) -> dict[str, str]:
    return {
        "now": clock.now.isoformat(),
        "start": clock.start.isoformat(),
        "horizon": clock.horizon.isoformat(),
    }


@dataclass(frozen=True, slots=True)
class Running:
    """A sandbox that is up: where it is, its clock, its request log, its token."""

    base_url: str
    clock: Clock
    requests: RequestLog
    token: str


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes a free one.

    Raises:
        OSError: The port is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        # Listening at once keeps a second sandbox off the port while this one is generating.
        bound.listen(128)
    except OSError:
        bound.close()
        raise
    return bound


def uvicorn_server(app: Starlette) -> uvicorn.Server:
    """Return a quiet server; the Date header is the sandbox's own."""
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, date_header=False, server_header=False
    )
    return uvicorn.Server(config)


@contextmanager
def running(
    organization: Organization,
    *,
    token: str = DEFAULT_TOKEN,
    scopes: frozenset[str] = DEFAULT_SCOPES,
) -> Iterator[Running]:
    """Run a sandbox on a free loopback port for the length of a `with` block.

    Raises:
        TimeoutError: It did not come up.
    """
    clock, log = Clock(organization.now, organization.horizon), RequestLog()
    app = create_app(organization, clock, token=token, scopes=scopes, requests=log)
    server, bound = uvicorn_server(app), listen("127.0.0.1", 0)
    thread = threading.Thread(target=server.run, args=([bound],), daemon=True)
    thread.start()
    try:
        _wait_until_started(server)
        yield Running(f"http://127.0.0.1:{bound.getsockname()[1]}", clock, log, token)
    finally:
        server.should_exit = True
        thread.join(START_TIMEOUT_S)
        bound.close()


def _wait_until_started(server: uvicorn.Server) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not server.started:
        if time.monotonic() > deadline:
            raise TimeoutError("The sandbox did not start.")
        time.sleep(0.01)

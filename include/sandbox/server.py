"""The stand-in Sentry as a web application, and a way to run it for tests."""

from __future__ import annotations

import logging
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from include.sandbox.application import (
    DEFAULT_CLIENT_ID,
    DEFAULT_CLIENT_SECRET,
    DEFAULT_REDIRECT_URIS,
    Application,
)
from include.sandbox.authorize_endpoint import PATH as AUTHORIZE
from include.sandbox.authorize_endpoint import AuthorizeEndpoint
from include.sandbox.behaviours import Behaviours, Switchboard
from include.sandbox.clock import Clock
from include.sandbox.controls import Controls
from include.sandbox.discover import events
from include.sandbox.gate import Endpoint
from include.sandbox.issue_endpoints import activities, detail
from include.sandbox.passage import Passage
from include.sandbox.protocol import BreakableProtocol
from include.sandbox.request_log import RequestLog
from include.sandbox.responses import json_response
from include.sandbox.scopes import DEFAULT_SCOPES
from include.sandbox.search import issues
from include.sandbox.shipping import deploys, releases
from include.sandbox.structure import (
    environments,
    organization,
    organizations,
    project_detail,
    project_list,
)
from include.sandbox.token_endpoint import TokenEndpoint
from include.sandbox.tokens import DEFAULT_REFRESH_TOKEN, DEFAULT_TOKEN, Pair, Tokens
from include.sandbox.trends import issues_timeseries, open_periods
from include.sandbox.view import View
from include.sandbox.volumes import stats

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from starlette.requests import Request
    from starlette.responses import Response

    from include.sandbox.calls import Call, Reply
    from include.sandbox.organization import Organization

API = "/api/0/"
ORG = "organizations/{org}/"
START_TIMEOUT_S = 20.0
DELIBERATE = "ASGI callable returned without completing response."
"""What uvicorn complains of when a connection is dropped on purpose."""

ROUTES: tuple[tuple[str, str, str, Callable[[View, Call], Reply]], ...] = (
    ("organizations", "organizations/", "org:read", organizations),
    ("organization", ORG, "org:read", organization),
    ("projects", ORG + "projects/", "org:read", project_list),
    ("environments", ORG + "environments/", "org:read", environments),
    ("releases", ORG + "releases/", "project:read", releases),
    ("deploys", ORG + "releases/{version:path}/deploys/", "project:read", deploys),
    ("issues", ORG + "issues/", "event:read", issues),
    ("issue", ORG + "issues/{issue_id}/", "event:read", detail),
    ("activities", ORG + "issues/{issue_id}/activities/", "event:read", activities),
    ("stats_v2", ORG + "stats_v2/", "org:read", stats),
    ("events", ORG + "events/", "org:read", events),
    ("issues-timeseries", ORG + "issues-timeseries/", "org:read", issues_timeseries),
    ("open-periods", ORG + "open-periods/", "org:read", open_periods),
    ("project", "projects/{org}/{project}/", "project:read", project_detail),
)
"""Name, path, scope, handler; scopes as in Sentry's api/bases."""


def create_app(  # noqa: PLR0913  # each has a default that most callers want
    organization: Organization,
    clock: Clock,
    *,
    token: str = DEFAULT_TOKEN,
    scopes: frozenset[str] = DEFAULT_SCOPES,
    requests: RequestLog | None = None,
    behaviours: Switchboard | None = None,
    tokens: Tokens | None = None,
) -> Starlette:
    """Return the application; everything but the listed routes is 404.

    Args:
        organization: What it answers about.
        clock: When it answers; moved by `POST /sandbox/clock` too.
        token: The first bearer token it accepts.
        scopes: The token's scopes.
        requests: Where to count requests; a new log unless given.
        behaviours: The switches; changed by `PATCH /sandbox/behaviours` too.
        tokens: Whom to let in, in place of `token` and `scopes`.
    """
    switchboard, log = behaviours or Switchboard(), requests or RequestLog()
    tokens = tokens or Tokens(clock, Pair(token, DEFAULT_REFRESH_TOKEN, scopes))
    passage = Passage(View(organization, clock, switchboard), log)
    routes = [
        Route(API + path, Endpoint(name, scope, handler, passage, tokens))
        for name, path, scope, handler in ROUTES
    ]
    app = Starlette(
        routes=[
            *routes,
            Route(AUTHORIZE, AuthorizeEndpoint(passage, tokens)),
            Route("/oauth/token/", TokenEndpoint(passage, tokens)),
            *Controls(clock, log, switchboard, tokens).routes(),
        ],
        exception_handlers={404: _missing(clock)},
    )
    # Sentry answers 404 without the trailing slash, so must we.
    app.router.redirect_slashes = False
    return app


def _missing(clock: Clock) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def missing(_request: Request, _error: Exception) -> Response:
        return json_response(404, {"detail": "The requested resource does not exist"}, clock)

    return missing


@dataclass(frozen=True, slots=True)
class Running:
    """A sandbox that is up.

    Attributes:
        base_url: Where it is.
        clock: Its clock.
        requests: What was asked of it.
        token: The first access token.
        behaviours: Its switches.
        tokens: Its tokens.
    """

    base_url: str
    clock: Clock
    requests: RequestLog
    token: str
    behaviours: Switchboard
    tokens: Tokens


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
        app,
        http=BreakableProtocol,
        log_level="warning",
        access_log=False,
        date_header=False,
        server_header=False,
    )
    logging.getLogger("uvicorn.error").addFilter(_is_worth_a_line)
    return uvicorn.Server(config)


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    return record.getMessage() != DELIBERATE


@contextmanager
def running(  # noqa: PLR0913  # each has a default that most callers want
    organization: Organization,
    *,
    token: str = DEFAULT_TOKEN,
    scopes: frozenset[str] = DEFAULT_SCOPES,
    client_id: str = DEFAULT_CLIENT_ID,
    client_secret: str = DEFAULT_CLIENT_SECRET,
    redirect_uris: tuple[str, ...] = DEFAULT_REDIRECT_URIS,
    refresh_token: str | None = DEFAULT_REFRESH_TOKEN,
    behaviours: Behaviours | None = None,
    tokens: Tokens | None = None,
) -> Iterator[Running]:
    """Run a sandbox on a free loopback port for the length of a `with` block.

    Args:
        organization: What it answers about.
        token: The first bearer token it accepts.
        scopes: The token's scopes.
        client_id: The application that users may authorize.
        client_secret: Its secret.
        redirect_uris: Where it may send them back to.
        refresh_token: What the first token can be refreshed with.
        behaviours: What it starts with.
        tokens: Those of another sandbox, which is this region's control silo.

    Raises:
        TimeoutError: It did not come up.
    """
    clock, log = Clock(organization.now, organization.horizon), RequestLog()
    switchboard = Switchboard(behaviours)
    if tokens is None:
        application = Application(client_id, client_secret, redirect_uris=redirect_uris)
        tokens = Tokens(clock, Pair(token, refresh_token, scopes), application)
    app = create_app(organization, clock, requests=log, behaviours=switchboard, tokens=tokens)
    server, bound = uvicorn_server(app), listen("127.0.0.1", 0)
    thread = threading.Thread(target=server.run, args=([bound],), daemon=True)
    thread.start()
    try:
        _wait_until_started(server)
        base_url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        yield Running(base_url, clock, log, token, switchboard, tokens)
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

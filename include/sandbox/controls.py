"""The sandbox's own routes: health, clock, request log, behaviours, tokens, application."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from starlette.routing import Route

from include.sandbox.behaviours import BehaviourError, from_json
from include.sandbox.clock import ClockError
from include.sandbox.responses import json_response

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from include.sandbox.behaviours import Switchboard
    from include.sandbox.clock import Clock
    from include.sandbox.request_log import RequestLog
    from include.sandbox.tokens import Tokens


class Advance(msgspec.Struct):
    """The body of `POST /sandbox/clock`."""

    advance_seconds: float


class TokenOrder(msgspec.Struct):
    """The body of `POST /sandbox/tokens`; `grant` stands for a new consent of the user."""

    action: Literal["expire", "revoke", "grant"]


class ApplicationOrder(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /sandbox/application`; what is left out stays as it is.

    A new `client_secret` is a rotated one. `requires_org_level_access` is the switch of that name.
    """

    redirect_uris: tuple[Annotated[str, msgspec.Meta(pattern=r"^https?://\S+$")], ...] | None = None
    client_secret: Annotated[str, msgspec.Meta(min_length=1)] | None = None
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None
    requires_org_level_access: bool | None = None


@dataclass(frozen=True, slots=True)
class Controls:
    """What the routes read and change."""

    clock: Clock
    log: RequestLog
    behaviours: Switchboard
    tokens: Tokens

    def routes(self) -> list[Route]:
        """Return the routes below `/sandbox/`."""
        return [
            Route("/sandbox/health", self._health),
            Route("/sandbox/clock", self._clock_read, methods=["GET"]),
            Route("/sandbox/clock", self._clock_advance, methods=["POST"]),
            Route("/sandbox/requests", self._requests_read, methods=["GET"]),
            Route("/sandbox/requests", self._requests_reset, methods=["DELETE"]),
            Route("/sandbox/behaviours", self._behaviours_read, methods=["GET"]),
            Route("/sandbox/behaviours", self._behaviours_change, methods=["PATCH"]),
            Route("/sandbox/behaviours", self._behaviours_reset, methods=["DELETE"]),
            Route("/sandbox/tokens", self._tokens_change, methods=["POST"]),
            Route("/sandbox/application", self._application_read, methods=["GET"]),
            Route("/sandbox/application", self._application_change, methods=["POST"]),
        ]

    async def _health(self, _request: Request) -> Response:
        return self._ok({"status": "ok"})

    async def _clock_read(self, _request: Request) -> Response:
        return self._ok(self._hands())

    async def _clock_advance(self, request: Request) -> Response:
        try:
            order = msgspec.json.decode(await request.body(), type=Advance)
            self.clock.advance(order.advance_seconds)
        except msgspec.DecodeError as error:
            return self._refuse(f'Send {{"advance_seconds": n}} as JSON: {error}.')
        except ClockError as error:
            return self._refuse(str(error))
        return self._ok(self._hands())

    async def _requests_read(self, _request: Request) -> Response:
        return self._ok(self._counts())

    async def _requests_reset(self, _request: Request) -> Response:
        self.log.reset()
        return self._ok(self._counts())

    async def _behaviours_read(self, _request: Request) -> Response:
        return self._ok(self.behaviours.current)

    async def _behaviours_change(self, request: Request) -> Response:
        try:
            return self._ok(self.behaviours.set(**from_json(await request.body())))
        except BehaviourError as error:
            return self._refuse(str(error))

    async def _behaviours_reset(self, _request: Request) -> Response:
        return self._ok(self.behaviours.reset())

    async def _tokens_change(self, request: Request) -> Response:
        try:
            order = msgspec.json.decode(await request.body(), type=TokenOrder)
        except msgspec.DecodeError as error:
            return self._refuse(f'Send {{"action": "expire"}} as JSON: {error}.')
        if order.action == "expire":
            self.tokens.expire()
        elif order.action == "revoke":
            self.tokens.revoke()
        else:
            self.tokens.grant(self.behaviours.current.token_lifetime_s)
        newest = {
            "access_token": self.tokens.access_token,
            "refresh_token": self.tokens.refresh_token,
        }
        return self._ok(newest)

    async def _application_read(self, _request: Request) -> Response:
        return self._ok(self._application())

    async def _application_change(self, request: Request) -> Response:
        try:
            order = msgspec.json.decode(await request.body(), type=ApplicationOrder)
        except msgspec.DecodeError as error:
            return self._refuse(f'Send {{"client_secret": "new"}} or the like as JSON: {error}.')
        for name in ("redirect_uris", "client_secret", "name"):
            value = getattr(order, name)
            if value is not None:
                setattr(self.tokens.application, name, value)
        if order.requires_org_level_access is not None:
            self.behaviours.set(requires_org_level_access=order.requires_org_level_access)
        return self._ok(self._application())

    def _application(self) -> dict[str, object]:
        """The application without its secret."""
        mine = self.tokens.application
        return {
            "client_id": mine.client_id,
            "name": mine.name,
            "redirect_uris": mine.redirect_uris,
            "requires_org_level_access": self.behaviours.current.requires_org_level_access,
        }

    def _counts(self) -> dict[str, object]:
        return {
            "total": self.log.total,
            "by_route": dict(self.log.by_route),
            "by_grant_type": dict(self.log.by_grant_type),
        }

    def _hands(self) -> dict[str, str]:
        return {
            "now": self.clock.now.isoformat(),
            "start": self.clock.start.isoformat(),
            "horizon": self.clock.horizon.isoformat(),
        }

    def _ok(self, body: object) -> Response:
        return json_response(200, body, self.clock)

    def _refuse(self, detail: str) -> Response:
        return json_response(400, {"detail": detail}, self.clock)

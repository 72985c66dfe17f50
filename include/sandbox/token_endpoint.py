"""`POST /oauth/token/`: refreshing tokens, with Sentry's refusals (web/frontend/oauth_token.py)."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from starlette.requests import Request

from include.sandbox import canaries
from include.sandbox.calls import header, read_call
from include.sandbox.passage import Client
from include.sandbox.responses import json_response
from include.sandbox.times import optional_iso

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

    from include.sandbox.passage import Passage
    from include.sandbox.tokens import Pair, Tokens

MAX_BASIC_LENGTH = 4096
UNCACHED = "max-age=0, no-cache, no-store, must-revalidate, private"
INSTALLER = "73900063"
"""The person who installed us: one of the organization's, so that a leak of the id is found."""


class OAuthError(Exception):
    """A refusal; the body is `{"error": code}` and nothing else."""

    def __init__(self, code: str, status: int = 400) -> None:
        super().__init__(code)
        self.code = code
        self.status = status


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """The route as an ASGI application."""

    passage: Passage
    tokens: Tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        form = await _form(Request(scope, receive))

        async def truth() -> Response:
            return self._respond(scope, form)

        client = Client(scope, receive, send)
        await self.passage.serve("oauth-token", read_call(scope), truth, client)

    def _respond(self, scope: Scope, form: Mapping[str, str]) -> Response:
        view = self.passage.view
        behaviours, clock = view.behaviours, view.clock
        # Regions have no OAuth; it is the control silo's.
        if behaviours.moved_to is not None and not behaviours.is_control_silo:
            return json_response(404, {"detail": "The requested resource does not exist"}, clock)
        if scope["method"] != "POST":
            return json_response(405, {"detail": "Method not allowed."}, clock)
        headers = {"Cache-Control": UNCACHED}
        try:
            self._check_client(_basic(header(scope, b"authorization")), form)
            pair = self._refreshed(form)
        except OAuthError as error:
            if error.status == 401:
                headers["WWW-Authenticate"] = 'Basic realm="oauth"'
            return json_response(error.status, {"error": error.code}, clock, **headers)
        return json_response(200, self._body(pair), clock, **headers)

    def _check_client(self, basic: tuple[str, str] | None, form: Mapping[str, str]) -> None:
        """Accept the client's credentials in one place, not in both."""
        in_body = "client_id" in form or "client_secret" in form
        if basic is not None and in_body:
            raise OAuthError("invalid_request")
        given = basic or (form.get("client_id", ""), form.get("client_secret", ""))
        if given != (self.tokens.client_id, self.tokens.client_secret):
            raise OAuthError(self.passage.view.behaviours.client_error, 401)

    def _refreshed(self, form: Mapping[str, str]) -> Pair:
        behaviours = self.passage.view.behaviours
        if form.get("grant_type") != "refresh_token":
            raise OAuthError("unsupported_grant_type")
        if "scope" in form or not form.get("refresh_token"):
            raise OAuthError("invalid_request")
        if behaviours.account == "application-inactive":
            raise OAuthError("invalid_grant")
        pair = self.tokens.refresh(
            form["refresh_token"], behaviours.token_lifetime_s, behaviours.replica_lag_calls
        )
        if pair is None:
            raise OAuthError("invalid_grant")
        return pair

    def _body(self, pair: Pair) -> dict[str, object]:
        """The token response; it always names the person."""
        user = canaries.user(INSTALLER)
        return {
            "access_token": pair.access,
            "refresh_token": pair.refresh,
            "expires_in": self.passage.view.behaviours.token_lifetime_s,
            "expires_at": optional_iso(pair.expires_at),
            "token_type": "Bearer",
            "scope": " ".join(sorted(pair.scopes)),
            "user": {key: user[key] for key in ("id", "name", "email")},
            "futureAccount": canaries.future("token"),
        }


async def _form(request: Request) -> dict[str, str]:
    """Read a form-encoded body; any other is an empty form."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        return {}
    return dict(parse_qsl((await request.body()).decode("latin-1"), keep_blank_values=True))


def _basic(authorization: str) -> tuple[str, str] | None:
    """Return the credentials of a Basic header, None without one; nonsense fits no client."""
    kind, _, payload = authorization.partition(" ")
    if kind.lower() != "basic":
        return None
    if len(payload) > MAX_BASIC_LENGTH:
        return "", ""
    try:
        name, _, secret = base64.b64decode(payload, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, secret

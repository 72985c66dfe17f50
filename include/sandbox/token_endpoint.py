"""`POST /oauth/token/`: codes and refresh tokens for new tokens (web/frontend/oauth_token.py)."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.requests import Request

from include.sandbox import canaries
from include.sandbox.calls import header, read_call
from include.sandbox.forms import read_form
from include.sandbox.passage import Client
from include.sandbox.responses import json_response
from include.sandbox.times import optional_iso
from include.sandbox.tokens import Terms

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
        form = await read_form(Request(scope, receive))
        if scope["method"] == "POST":
            self.passage.log.record_grant(form.get("grant_type", ""))

        async def truth() -> Response:
            return self._respond(scope, form)

        client = Client(scope, receive, send)
        await self.passage.serve("oauth-token", read_call(scope), truth, client)

    def _respond(self, scope: Scope, form: Mapping[str, str]) -> Response:
        view = self.passage.view
        clock = view.clock
        if not view.has_oauth:
            return json_response(404, {"detail": "The requested resource does not exist"}, clock)
        if scope["method"] != "POST":
            return json_response(405, {"detail": "Method not allowed."}, clock)
        headers = {"Cache-Control": UNCACHED}
        try:
            self._check_client(_basic(header(scope, b"authorization")), form)
            pair = self._granted(form)
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
        mine = self.tokens.application
        if given != (mine.client_id, mine.client_secret):
            raise OAuthError(self.passage.view.behaviours.client_error, 401)

    def _granted(self, form: Mapping[str, str]) -> Pair:
        """Return the tokens that a form stands for."""
        grant_type = form.get("grant_type")
        if grant_type == "authorization_code":
            pair = self._exchanged(form)
        elif grant_type == "refresh_token":
            pair = self._refreshed(form)
        else:
            raise OAuthError("unsupported_grant_type")
        if pair is None:
            raise OAuthError("invalid_grant")
        return pair

    def _exchanged(self, form: Mapping[str, str]) -> Pair | None:
        consent = self.tokens.grants.redeem(
            form.get("code", ""),
            self.tokens.application.client_id,
            form.get("redirect_uri", ""),
            form.get("code_verifier"),
        )
        # Sentry deletes the code of an inactive application too.
        if consent is None or self._is_inactive():
            return None
        return self.tokens.issue(consent.scopes, consent.organization_id, self._terms())

    def _refreshed(self, form: Mapping[str, str]) -> Pair | None:
        if "scope" in form or not form.get("refresh_token"):
            raise OAuthError("invalid_request")
        if self._is_inactive():
            return None
        return self.tokens.refresh(form["refresh_token"], self._terms())

    def _is_inactive(self) -> bool:
        return self.passage.view.behaviours.account == "application-inactive"

    def _terms(self) -> Terms:
        behaviours = self.passage.view.behaviours
        return Terms(
            behaviours.token_lifetime_s, behaviours.replica_lag_calls, behaviours.refresh_tokens
        )

    def _body(self, pair: Pair) -> dict[str, object]:
        """The token response; it always names the person, and the organization if it is one's."""
        user = canaries.user(INSTALLER)
        body: dict[str, object] = {
            "access_token": pair.access,
            "refresh_token": pair.refresh,
            "expires_in": self.passage.view.behaviours.token_lifetime_s,
            "expires_at": optional_iso(pair.expires_at),
            "token_type": "Bearer",
            "scope": " ".join(sorted(pair.scopes)),
            "user": {key: user[key] for key in ("id", "name", "email")},
            "futureAccount": canaries.future("token"),
        }
        if pair.organization_id is not None:
            body["organization_id"] = pair.organization_id
        return body


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

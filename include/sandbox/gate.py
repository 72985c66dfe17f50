"""What a request to the API must pass: authentication, the organization, scopes, methods."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from include.sandbox import canaries
from include.sandbox.calls import Call, Reply, header, read_call
from include.sandbox.errors import ApiError, forbidden, not_found, unauthorized
from include.sandbox.memberships import elsewhere
from include.sandbox.passage import Client
from include.sandbox.responses import json_response

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

    from include.sandbox.passage import Passage
    from include.sandbox.tokens import Pair, Tokens
    from include.sandbox.view import View

MAX_QUERY_BYTES = 8000
INACTIVE = {
    "user-inactive": "User inactive or deleted",
    "application-inactive": "UserApplication inactive or deleted",
}
"""Why nobody's token is good (Sentry's api/authentication.py)."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One route of the API as an ASGI application.

    Attributes:
        name: Its name in the request log.
        scope: The OAuth scope Sentry asks for.
        handler: Answers a request that may be answered.
        passage: What is before it.
        tokens: Whom to let in.
    """

    name: str
    scope: str
    handler: Callable[[View, Call], Reply]
    passage: Passage
    tokens: Tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        call = read_call(scope)
        is_bulk = self.name == "issues" and "group" in call.params

        async def truth() -> Response:
            return self._respond(scope, call)

        route = "issues?group" if is_bulk else self.name
        await self.passage.serve(route, call, truth, Client(scope, receive, send))

    def _respond(self, scope: Scope, call: Call) -> Response:
        view = self.passage.view
        try:
            if self.name in view.behaviours.missing_endpoints:
                raise not_found()
            there, call = self._admit(scope, call)
            reply = self.handler(there, call)
        except ApiError as error:
            return json_response(error.status, {"detail": error.detail}, view.clock)
        return json_response(reply.status, reply.body, view.clock, **reply.headers)

    def _admit(self, scope: Scope, call: Call) -> tuple[View, Call]:
        """Check in Sentry's order: who, where, what for, how; return where, and the call."""
        pair, view = self._authenticate(header(scope, b"authorization")), self.passage.view
        if "org" in call.path:
            view = self._locate(call.path["org"])
            # As Sentry's api/bases/organization.py for a token of another organization.
            if pair.organization_id not in {None, view.organization.id}:
                raise forbidden()
        if self.scope not in pair.scopes:
            raise forbidden()
        if scope["method"] not in {"GET", "HEAD"}:
            raise ApiError(405, f'Method "{scope["method"]}" not allowed.')
        if len(call.query) > MAX_QUERY_BYTES:
            raise ApiError(414, "Request-URI Too Long")
        return view, replace(call, only_organization=pair.organization_id)

    def _authenticate(self, authorization: str) -> Pair:
        """Return the pair of the request's token."""
        kind, _, token = authorization.partition(" ")
        if kind.lower() != "bearer" or not token:
            raise unauthorized("Authentication credentials were not provided.")
        pair, refusal = self.tokens.admit(token.strip())
        refusal = refusal or INACTIVE.get(self.passage.view.behaviours.account, "")
        if pair is None or refusal:
            raise unauthorized(refusal)
        return pair

    def _locate(self, organization: str) -> View:
        """Find the organization here, and the user in it."""
        view = self.passage.view
        other = elsewhere(view, organization)
        if other is not None:
            return other
        if organization not in {view.organization.id, view.slug}:
            raise not_found()
        is_known = view.behaviours.is_control_silo and self.name == "organization"
        if view.behaviours.moved_to is not None and not is_known:
            raise not_found()
        account = view.behaviours.account
        if account == "removed":
            raise forbidden()
        if account in _MEMBERSHIP_DETAILS:
            raise unauthorized(_MEMBERSHIP_DETAILS[account])
        return view


_MEMBERSHIP_DETAILS: dict[str, dict[str, object]] = {
    "sso-required": {
        "code": "sso-required",
        "message": "Must login via SSO",
        "extra": {"loginUrl": canaries.url("sso", "login")},
    },
    "member-disabled-over-limit": {
        "code": "member-disabled-over-limit",
        "message": "Organization over member limit",
        "extra": {"next": canaries.url("disabled-member", "next")},
    },
}
"""Refusals whose `detail` is an object (Sentry's api/exceptions.py)."""

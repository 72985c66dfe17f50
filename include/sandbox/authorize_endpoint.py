"""`/oauth/authorize/`: the consent page and what follows (web/frontend/oauth_authorize.py).

Nobody has to sign in: whoever opens it is the installing user.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from starlette.requests import Request

from include.sandbox.authorization_request import BadPage, SentBack, missing, read_request
from include.sandbox.browser_sessions import BrowserSessions
from include.sandbox.calls import read_call
from include.sandbox.consent_page import CSRF_FIELD, ORGANIZATION_FIELD, page, question, refusal
from include.sandbox.forms import read_form
from include.sandbox.grants import Consent
from include.sandbox.memberships import memberships
from include.sandbox.passage import Client
from include.sandbox.responses import json_response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

    from include.sandbox.authorization_request import AuthorizationRequest
    from include.sandbox.calls import Call
    from include.sandbox.passage import Passage
    from include.sandbox.tokens import Tokens

COOKIE = "sandbox_session"
PATH = "/oauth/authorize/"


@dataclass(frozen=True, slots=True)
class AuthorizeEndpoint:
    """The route as an ASGI application."""

    passage: Passage
    tokens: Tokens
    sessions: BrowserSessions = field(default_factory=BrowserSessions)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request, call = Request(scope, receive), read_call(scope)
        form, key = await read_form(request), request.cookies.get(COOKIE)

        async def truth() -> Response:
            return self._respond(call, request.method, form, key)

        client = Client(scope, receive, send)
        await self.passage.serve("oauth-authorize", call, truth, client)

    def _respond(
        self, call: Call, method: str, form: Mapping[str, str], key: str | None
    ) -> Response:
        view = self.passage.view
        if not view.has_oauth:
            return json_response(
                404, {"detail": "The requested resource does not exist"}, view.clock
            )
        try:
            if method in {"GET", "HEAD"}:
                return self._ask(call, key)
            if method == "POST":
                return self._redirect(self._answered(form, key))
        except BadPage as error:
            return page(error.status, refusal(error.sentence), view.clock)
        except SentBack as error:
            return self._redirect(error.address)
        return page(405, refusal("This method is not allowed."), view.clock)

    def _ask(self, call: Call, key: str | None) -> Response:
        """Ask the user, unless the answer is known already."""
        view, application = self.passage.view, self.tokens.application
        behaviours = view.behaviours
        request = read_request(call, application, behaviours)
        is_known = self.tokens.grants.covers(frozenset(request.scopes))
        if is_known and behaviours.silent_consent and not request.must_prompt:
            return self._redirect(self._approved(request, None))
        session = self.sessions.ask(key, request)
        choices = self._choices()
        if not choices and behaviours.requires_org_level_access:
            raise BadPage(
                "This authorization flow is only available for users who are members of an "
                "organization."
            )
        cookie = f"{COOKIE}={session.key}; Path={PATH}; HttpOnly; SameSite=Lax"
        content = question(application.name, request.scopes, choices, session.csrf_token)
        return page(200, content, view.clock, **{"Set-Cookie": cookie})

    def _answered(self, form: Mapping[str, str], key: str | None) -> str:
        """Return where the user's answer leads."""
        session = self.sessions.find(key)
        if session is None or not session.is_from(form.get(CSRF_FIELD, "")):
            # Django's words; its check comes before the view.
            raise BadPage("CSRF verification failed. Request aborted.", 403)
        request, behaviours = session.request, self.passage.view.behaviours
        is_active = behaviours.account != "application-inactive"
        if request.client_id != self.tokens.application.client_id or not is_active:
            raise missing("client_id")
        if form.get("op") == "deny":
            return request.back(error="access_denied")
        if form.get("op") != "approve":
            raise BadPage("There are two answers, approve and deny.")
        if not behaviours.requires_org_level_access:
            return self._approved(request, None)
        chosen = form.get(ORGANIZATION_FIELD)
        if not chosen:
            return request.back(error="invalid_request")
        if chosen not in self._choices():
            return request.back(error="unauthorized_client")
        return self._approved(request, chosen)

    def _approved(self, request: AuthorizationRequest, organization_id: str | None) -> str:
        """Return where a code goes."""
        granted = self.passage.view.behaviours.granted_scopes
        consent = Consent(
            request.client_id,
            request.redirect_uri,
            frozenset(request.scopes) if granted is None else granted,
            request.challenge,
            organization_id,
        )
        return request.back(code=self.tokens.grants.approve(consent))

    def _choices(self) -> dict[str, str]:
        """Return slugs by id of the organizations to choose from; none where nobody chooses."""
        view = self.passage.view
        if not view.behaviours.requires_org_level_access:
            return {}
        return {one.organization.id: one.slug for one in memberships(view)}

    def _redirect(self, address: str) -> Response:
        return page(302, "", self.passage.view.clock, Location=address)

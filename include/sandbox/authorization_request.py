"""What a client asks at `/oauth/authorize/`, checked in Sentry's order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from include.sandbox.grants import PKCE
from include.sandbox.scopes import SCOPES

if TYPE_CHECKING:
    from include.sandbox.application import Application
    from include.sandbox.behaviours import Behaviours
    from include.sandbox.calls import Call


class BadPage(Exception):
    """A refusal that is shown to the person: where to send them back to is not known for sure."""

    def __init__(self, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.status = status


class SentBack(Exception):
    """A refusal that the client is told; `address` has the error in it."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.address = address


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A request that the user can be asked about.

    Attributes:
        client_id: The application.
        redirect_uri: Where the user is sent back to.
        scopes: What it wants, in its order.
        state: Its own mark, which comes back untouched; None without one.
        challenge: PKCE's challenge; None without PKCE.
        must_prompt: The user is to be asked even if nothing is new.
    """

    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str | None
    challenge: str | None
    must_prompt: bool

    def back(self, **params: str) -> str:
        """Return the redirect's address with parameters, and the state."""
        return address_back(self.redirect_uri, self.state, **params)


def read_request(
    call: Call, application: Application, behaviours: Behaviours
) -> AuthorizationRequest:
    """Return what is asked for (Sentry's web/frontend/oauth_authorize.py).

    Raises:
        BadPage: The application or the redirect is not known; nobody is sent anywhere.
        SentBack: Anything else is wrong.
    """
    if call.one("client_id") != application.client_id or _is_inactive(behaviours):
        raise missing("client_id")
    redirect_uri = _redirect_uri(call, application, behaviours)
    if call.one("response_type") != "code":
        # Sentry's page names the wrong parameter. It also knows the implicit grant ("token"),
        # which the sandbox does not have.
        raise missing("client_id")
    state = call.one("state")
    asked = call.one("scope")
    scopes = tuple(asked.split(" ")) if asked else ()
    allowed = set(SCOPES)
    if behaviours.requires_org_level_access:
        allowed &= application.scopes
    if not allowed.issuperset(scopes):
        raise SentBack(address_back(redirect_uri, state, error="invalid_scope"))
    challenge, method = call.one("code_challenge"), call.one("code_challenge_method")
    if (challenge or method) and not _is_pkce(challenge, method):
        raise SentBack(address_back(redirect_uri, state, error="invalid_request"))
    return AuthorizationRequest(
        application.client_id,
        redirect_uri,
        scopes,
        state,
        challenge or None,
        must_prompt=bool(call.one("force_prompt")) or behaviours.requires_org_level_access,
    )


def missing(parameter: str) -> BadPage:
    """Return Sentry's refusal of a request it cannot place."""
    return BadPage(f"Missing or invalid {parameter} parameter.")


def address_back(redirect_uri: str, state: str | None, **params: str) -> str:
    """Return a redirect's address; parameters it had stay."""
    added = params if state is None else params | {"state": state}
    parts = urlsplit(redirect_uri)
    query = urlencode([*parse_qsl(parts.query), *added.items()])
    return urlunsplit(parts._replace(query=query))


def _is_inactive(behaviours: Behaviours) -> bool:
    return behaviours.account == "application-inactive"


def _redirect_uri(call: Call, application: Application, behaviours: Behaviours) -> str:
    """Return the redirect; it may be left out where only one is registered."""
    asked = call.one("redirect_uri")
    if not asked and len(application.redirect_uris) == 1:
        return application.redirect_uris[0]
    if not asked or not application.accepts(asked, is_legacy=behaviours.legacy_redirect_uris):
        raise missing("redirect_uri")
    return asked


def _is_pkce(challenge: str | None, method: str | None) -> bool:
    """Return whether PKCE is S256; without a method it would be `plain`, which is refused."""
    return method == "S256" and challenge is not None and PKCE.fullmatch(challenge) is not None

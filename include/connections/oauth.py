"""OAuth with Sentry: asking for consent, and codes and refresh tokens for tokens.

By Sentry's `web/frontend/oauth_authorize.py` and `oauth_token.py`.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from oauthlib.oauth2 import WebApplicationClient
from requests_oauthlib import OAuth2Session

from dlt_sources.sentry.failures import SCOPES
from dlt_sources.sentry.hosts import Origin
from include.connections.application import Application
from include.connections.errors import ScopesBroader, ScopesMissing
from include.connections.token_endpoint import TokenEndpoint
from include.connections.tokens import Grant

CONSENT = "/oauth/authorize/"
TOKEN = "/oauth/token/"  # noqa: S105 - a path
VERIFIER_LENGTH = 96

_AUTHORIZATIONS = "in Sentry under User settings > Authorized Applications"


@dataclass(frozen=True, slots=True, repr=False)
class Consent:
    """What a user consented to.

    Attributes:
        grant: The tokens.
        organization_id: The one organization they are for; None if they are for all of the user's.
    """

    grant: Grant
    organization_id: str | None


def new_verifier() -> str:
    """Return a code verifier for PKCE."""
    return str(WebApplicationClient("").create_code_verifier(VERIFIER_LENGTH))


class OAuth:
    """Speaks OAuth with the server of an application.

    Args:
        application: This installation's.
    """

    def __init__(self, application: Application) -> None:
        server = Origin.parse(application.base_url)
        if server is None or not server.is_private:
            raise ValueError("An OAuth application's secret goes over TLS only.")
        self._server = server
        self._application = application

    def consent_url(self, redirect_uri: str, state: str, code_verifier: str) -> str:
        """Return where to send a user's browser.

        Args:
            redirect_uri: Where Sentry sends it next, exactly as it is registered there.
            state: Comes back with it.
            code_verifier: What whoever exchanges the code has to know.
        """
        client = WebApplicationClient(self._application.client_id)
        with self._session(client, redirect_uri=redirect_uri, scope=SCOPES) as session:
            address, _ = session.authorization_url(
                self._secure(CONSENT),
                state,
                code_challenge=client.create_code_challenge(code_verifier, "S256"),
                code_challenge_method="S256",
            )
        return str(address).replace("https", self._server.scheme, 1)

    def exchange(self, code: str, redirect_uri: str, code_verifier: str) -> Consent:
        """Return the tokens for the code of a consent, which are for what we asked for exactly.

        Args:
            code: From the callback's address.
            redirect_uri: As it was when the consent was asked for.
            code_verifier: As then.

        Raises:
            ScopesMissing: They are for less.
            ScopesBroader: They are for more.
            OAuthError: There are none; see `errors`.
        """
        client = WebApplicationClient(self._application.client_id)
        with self._session(client, redirect_uri=redirect_uri) as session:
            grant, token = _granted(
                lambda: session.fetch_token(
                    self._secure(TOKEN),
                    code=code,
                    code_verifier=code_verifier,
                    include_client_id=True,
                    client_secret=self._application.client_secret,
                )
            )
        _check_scopes(grant.scopes)
        return Consent(grant, token.get("organization_id"))

    def renew(self, refresh_token: str) -> Grant:
        """Return new tokens, after which the old ones are good for nothing.

        Raises:
            OAuthError: There are none; see `errors`.
        """
        client = WebApplicationClient(self._application.client_id)
        with self._session(client) as session:
            # Without scopes: Sentry refuses to renew with them.
            grant, _ = _granted(
                lambda: session.refresh_token(
                    self._secure(TOKEN),
                    refresh_token=refresh_token,
                    client_id=self._application.client_id,
                    client_secret=self._application.client_secret,
                )
            )
        return grant

    @contextmanager
    def _session(self, client: WebApplicationClient, **options: Any) -> Iterator[OAuth2Session]:  # noqa: ANN401
        # At DEBUG both log tokens, codes and secrets, whatever the level of the root is.
        for name in ("oauthlib", "requests_oauthlib", "requests_oauthlib.oauth2_session"):
            logging.getLogger(name).setLevel(logging.WARNING)
        with OAuth2Session(client=client, **options) as session:
            # Nothing from the environment: no proxy, no password of .netrc.
            session.trust_env = False
            session.adapters.clear()
            session.mount("https://", TokenEndpoint(self._server, TOKEN))
            yield session

    def _secure(self, path: str) -> str:
        """Return an address that oauthlib accepts, which knows no loopback without TLS."""
        return f"https://{self._server.netloc}{path}"


def _granted(ask: Callable[[], dict[str, Any]]) -> tuple[Grant, dict[str, Any]]:
    """Return the grant in an answer, whose types `TokenEndpoint` has checked."""
    asked_at = datetime.now(UTC)
    token = ask()
    lifetime_s = token.get("expires_in")
    grant = Grant(
        access_token=token["access_token"],
        refresh_token=token.get("refresh_token"),
        expires_at=None if lifetime_s is None else asked_at + timedelta(seconds=lifetime_s),
        scopes=frozenset(filter(None, token.get("scope") or ())),
    )
    return grant, token


def _check_scopes(scopes: frozenset[str]) -> None:
    missing, broader = set(SCOPES) - scopes, scopes - set(SCOPES)
    if missing:
        raise ScopesMissing(
            f"Sentry granted too little: {' '.join(sorted(missing))} is missing. Nothing was "
            "connected. Check the scopes of the OAuth application in Sentry, then connect again."
        )
    if broader:
        raise ScopesBroader(
            f"Sentry granted more than {' '.join(SCOPES)}, which is all that may be used here. "
            f"Nothing was connected and the tokens were forgotten. Remove the access "
            f"{_AUTHORIZATIONS}, then connect again."
        )

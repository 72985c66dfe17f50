"""What the user has consented to, and the codes that are exchanged for tokens."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from include.sandbox.clock import Clock

CODE_LIFETIME = timedelta(minutes=10)
"""Sentry's models/apigrant.py, DEFAULT_EXPIRATION."""
PKCE = re.compile(r"[A-Za-z0-9\-._~]{43,128}")
"""Form of a PKCE challenge and of its verifier (RFC 7636)."""


@dataclass(frozen=True, slots=True)
class Consent:
    """What a user said yes to.

    Attributes:
        client_id: The application.
        redirect_uri: Where the code goes, and what must be repeated with it.
        scopes: What is granted.
        challenge: The PKCE challenge (S256); None without PKCE.
        organization_id: The one organization it is about; None for all of the user's.
    """

    client_id: str
    redirect_uri: str
    scopes: frozenset[str]
    challenge: str | None = None
    organization_id: str | None = None


class Grants:
    """The authorizations and pending codes of one user (Sentry's ApiAuthorization, ApiGrant).

    Args:
        clock: Says when codes expire.
        invent: Makes a code.
    """

    def __init__(self, clock: Clock, invent: Callable[[], str]) -> None:
        self._clock = clock
        self._invent = invent
        self._pending: dict[str, tuple[Consent, datetime]] = {}
        self._authorized: dict[str | None, frozenset[str]] = {}

    def approve(self, consent: Consent) -> str:
        """Remember a consent and return the code that stands for it."""
        self.remember(consent.scopes, consent.organization_id)
        code = self._invent()
        self._pending[code] = (consent, self._clock.now + CODE_LIFETIME)
        return code

    def redeem(
        self, code: str, client_id: str, redirect_uri: str, verifier: str | None
    ) -> Consent | None:
        """Use up a code; None if it is unknown, expired, or not followed up as it was begun.

        A code is gone after any attempt of its own client (Sentry's ApiToken.from_grant).
        """
        consent, expires_at = self._pending.get(code, (None, None))
        if consent is None or expires_at is None or consent.client_id != client_id:
            return None
        del self._pending[code]
        is_good = (
            self._clock.now < expires_at
            and redirect_uri == consent.redirect_uri
            and _is_verified(consent.challenge, verifier)
        )
        return consent if is_good else None

    def remember(self, scopes: frozenset[str], organization_id: str | None = None) -> None:
        """Add scopes to the user's authorization, which is a union over time."""
        known = self._authorized.get(organization_id, frozenset())
        self._authorized[organization_id] = known | scopes

    def covers(self, scopes: frozenset[str]) -> bool:
        """Return whether the user has authorized the application for all of some scopes."""
        return None in self._authorized and scopes <= self._authorized[None]

    def forget(self) -> None:
        """Forget what was authorized, as when the user removes the application."""
        self._authorized.clear()


def _is_verified(challenge: str | None, verifier: str | None) -> bool:
    if challenge is None:
        return True
    if verifier is None or not PKCE.fullmatch(verifier):
        return False
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == challenge

"""The bearer tokens of the installing user: issued, rotated, expired, revoked."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from include.sandbox.clock import Clock

DEFAULT_TOKEN = "sandbox-token"  # noqa: S105  # opens nothing but the sandbox
DEFAULT_REFRESH_TOKEN = "sandbox-refresh-token"  # noqa: S105
DEFAULT_CLIENT_ID = "sandbox-client"
DEFAULT_CLIENT_SECRET = "sandbox-client-secret"  # noqa: S105
KEPT_AFTER_EXPIRY = timedelta(days=30)
"""Sentry's cleanup removes tokens so long after they expired (API_TOKEN_TTL_IN_DAYS)."""


@dataclass(slots=True)
class Pair:
    """A row of Sentry's ApiToken: an access token and what renews it.

    Attributes:
        access: The bearer token.
        refresh: The refresh token; None where there is none.
        scopes: What it is good for.
        expires_at: When the access token expires; None for never.
        lagging: API calls that do not know this access token yet.
    """

    access: str
    refresh: str | None
    scopes: frozenset[str]
    expires_at: datetime | None = None
    lagging: int = 0


class Tokens:
    """All tokens of one user and one application.

    Attributes:
        client_id: The application the tokens belong to.
        client_secret: The application's secret.
        issued: Every access and refresh token this sandbox made up, to search for leaks.

    Args:
        clock: Says when tokens expire.
        first: What the application holds at first; its access token need not expire.
        client_id: As above.
        client_secret: As above.
    """

    def __init__(
        self,
        clock: Clock,
        first: Pair,
        client_id: str = DEFAULT_CLIENT_ID,
        client_secret: str = DEFAULT_CLIENT_SECRET,
    ) -> None:
        self.client_id = client_id
        self.client_secret = client_secret
        self.issued: list[str] = []
        self._clock = clock
        self._scopes = first.scopes
        self._pairs = [first]

    @property
    def access_token(self) -> str | None:
        """The newest access token; None after a revocation."""
        return self._pairs[-1].access if self._pairs else None

    @property
    def refresh_token(self) -> str | None:
        """The newest refresh token; None where there is none."""
        return self._pairs[-1].refresh if self._pairs else None

    def admit(self, access_token: str) -> tuple[frozenset[str], str]:
        """Return the scopes of an access token, and why it is refused ("" if it is not)."""
        pair = next((one for one in self._existing() if one.access == access_token), None)
        if pair is None:
            return frozenset(), "Invalid token"
        if pair.expires_at is not None and pair.expires_at <= self._clock.now:
            return frozenset(), "Token expired"
        if pair.lagging:
            pair.lagging -= 1
            return frozenset(), "Invalid token"
        return pair.scopes, ""

    def refresh(self, refresh_token: str, lifetime_s: int, lagging: int = 0) -> Pair | None:
        """Rotate both tokens in place, as Sentry's ApiToken.refresh(); None for an unknown one.

        Args:
            refresh_token: Of the pair to renew; its access token may have expired.
            lifetime_s: Seconds until the new access token expires.
            lagging: API calls that will not know it yet.
        """
        pair = next((one for one in self._existing() if one.refresh == refresh_token), None)
        if pair is None:
            return None
        pair.access, pair.refresh = self._invent(), self._invent()
        pair.expires_at = self._clock.now + timedelta(seconds=lifetime_s)
        pair.lagging = lagging
        return pair

    def grant(self, lifetime_s: int) -> Pair:
        """Issue another pair with the first one's scopes, as a new consent of the user does."""
        expires_at = self._clock.now + timedelta(seconds=lifetime_s)
        pair = Pair(self._invent(), self._invent(), self._scopes, expires_at)
        self._pairs.append(pair)
        return pair

    def expire(self) -> None:
        """Let every access token expire now; the refresh tokens stay good."""
        for pair in self._pairs:
            pair.expires_at = self._clock.now

    def revoke(self) -> None:
        """Delete every token, as when the user removes the application in Sentry."""
        self._pairs = []

    def _existing(self) -> list[Pair]:
        now = self._clock.now
        return [
            pair
            for pair in self._pairs
            if pair.expires_at is None or now < pair.expires_at + KEPT_AFTER_EXPIRY
        ]

    def _invent(self) -> str:
        token = secrets.token_hex(32)
        self.issued.append(token)
        return token

"""The bearer tokens of the installing user: issued, rotated, expired, revoked."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from include.sandbox.application import Application
from include.sandbox.grants import Grants

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from include.sandbox.clock import Clock

DEFAULT_TOKEN = "sandbox-token"  # noqa: S105  # opens nothing but the sandbox
DEFAULT_REFRESH_TOKEN = "sandbox-refresh-token"  # noqa: S105
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
        organization_id: The one organization it is for; None for all of the user's.
    """

    access: str
    refresh: str | None
    scopes: frozenset[str]
    expires_at: datetime | None = None
    lagging: int = 0
    organization_id: str | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What newly issued tokens are like.

    Attributes:
        lifetime_s: Seconds until the access token expires; None for never.
        lagging: API calls that will not know it yet.
        has_refresh: Whether a refresh token comes with it.
    """

    lifetime_s: int | None
    lagging: int = 0
    has_refresh: bool = True


class Tokens:
    """All tokens of one user and one application.

    Attributes:
        application: The application they belong to.
        grants: What the user consented to, and the codes to be exchanged.
        issued: Every code, access and refresh token this sandbox made up, to search for leaks.
        on_change: Called when tokens were issued, renewed or deleted.

    Args:
        clock: Says when tokens expire.
        first: What the application holds at first; its access token need not expire. It was
            handed out by no consent, so the first consent asks.
        application: As above.
    """

    def __init__(self, clock: Clock, first: Pair, application: Application | None = None) -> None:
        self.application = application or Application()
        self.issued: list[str] = []
        self.on_change: Callable[[], object] = lambda: None
        self.grants = Grants(clock, self._invent)
        self._clock = clock
        self._scopes = first.scopes
        self._first = first.access
        self._pairs = [first]

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """The tokens that are good, without the first one, which whoever starts it gives anew."""
        return tuple(pair for pair in self._pairs if pair.access != self._first)

    def restore(self, pairs: Sequence[Pair]) -> None:
        """Let tokens of an earlier run be good again, and what was consented to be remembered."""
        known = {pair.access for pair in self._pairs}
        for pair in pairs:
            if pair.access not in known:
                self._pairs.append(pair)
                self.grants.remember(pair.scopes, pair.organization_id)

    @property
    def access_token(self) -> str | None:
        """The newest access token; None after a revocation."""
        return self._pairs[-1].access if self._pairs else None

    @property
    def refresh_token(self) -> str | None:
        """The newest refresh token; None where there is none."""
        return self._pairs[-1].refresh if self._pairs else None

    def admit(self, access_token: str) -> tuple[Pair | None, str]:
        """Return the pair of an access token; without one, why it is refused."""
        pair = next((one for one in self._existing() if one.access == access_token), None)
        if pair is None:
            return None, "Invalid token"
        if pair.expires_at is not None and pair.expires_at <= self._clock.now:
            return None, "Token expired"
        if pair.lagging:
            pair.lagging -= 1
            return None, "Invalid token"
        return pair, ""

    def refresh(self, refresh_token: str, terms: Terms) -> Pair | None:
        """Rotate both tokens in place, as Sentry's ApiToken.refresh(); None for an unknown one.

        Args:
            refresh_token: Of the pair to renew; its access token may have expired.
            terms: What the new tokens are like.
        """
        pair = next((one for one in self._existing() if one.refresh == refresh_token), None)
        if pair is None:
            return None
        self._renew(pair, terms)
        self.on_change()
        return pair

    def issue(self, scopes: frozenset[str], organization_id: str | None, terms: Terms) -> Pair:
        """Issue another pair; those before it stay good."""
        pair = Pair("", None, scopes, organization_id=organization_id)
        self._renew(pair, terms)
        self._pairs.append(pair)
        self.on_change()
        return pair

    def grant(self, lifetime_s: int | None) -> Pair:
        """Issue a pair with the first one's scopes, as if the user had consented again."""
        self.grants.remember(self._scopes)
        return self.issue(self._scopes, None, Terms(lifetime_s))

    def expire(self) -> None:
        """Let every access token expire now; the refresh tokens stay good."""
        for pair in self._pairs:
            pair.expires_at = self._clock.now
        self.on_change()

    def revoke(self) -> None:
        """Delete every token and what was authorized, as when the user removes the application."""
        self._pairs = []
        self.grants.forget()
        self.on_change()

    def _existing(self) -> list[Pair]:
        now = self._clock.now
        return [
            pair
            for pair in self._pairs
            if pair.expires_at is None or now < pair.expires_at + KEPT_AFTER_EXPIRY
        ]

    def _renew(self, pair: Pair, terms: Terms) -> None:
        pair.access = self._invent()
        pair.refresh = self._invent() if terms.has_refresh else None
        pair.expires_at = None
        if terms.lifetime_s is not None:
            pair.expires_at = self._clock.now + timedelta(seconds=terms.lifetime_s)
        pair.lagging = terms.lagging

    def _invent(self) -> str:
        token = secrets.token_hex(32)
        self.issued.append(token)
        return token

"""The browser sessions in which users are asked for consent."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from include.sandbox.authorization_request import AuthorizationRequest

MAX_KEPT = 1000


@dataclass(slots=True)
class Session:
    """One browser's session.

    Attributes:
        key: The value of its cookie.
        csrf_token: What its forms carry.
        request: What the user is being asked. There is one at a time, as in Sentry's session
            ("oa2"): with two pages open, an answer on either is about the one opened last.
    """

    key: str
    csrf_token: str
    request: AuthorizationRequest

    def is_from(self, csrf_token: str) -> bool:
        """Return whether a form is one of ours."""
        return secrets.compare_digest(self.csrf_token.encode(), csrf_token.encode())


class BrowserSessions:
    """All sessions; the oldest are forgotten when there are too many."""

    def __init__(self) -> None:
        self._by_key: dict[str, Session] = {}

    def find(self, key: str | None) -> Session | None:
        """Return the session of a cookie."""
        return None if key is None else self._by_key.get(key)

    def ask(self, key: str | None, request: AuthorizationRequest) -> Session:
        """Keep what a browser's user is being asked, in its session or a new one."""
        session = self.find(key)
        if session is None:
            session = Session(secrets.token_hex(16), secrets.token_hex(32), request)
            self._by_key[session.key] = session
            if len(self._by_key) > MAX_KEPT:
                del self._by_key[next(iter(self._by_key))]
        session.request = request
        return session

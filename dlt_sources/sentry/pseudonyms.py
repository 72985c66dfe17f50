"""People and teams as pseudonyms: equal ids give equal keys, and without the salt no way back."""

import hmac
from typing import Literal

Kind = Literal["user", "team", "label"]

REMEMBERED = 50_000
"""Keys remembered: computing one takes as long as everything else about an activity."""


class Pseudonyms:
    """Keyed pseudonyms of one connection.

    Args:
        salt: Secret of the connection, at least 16 bytes. Destroying it makes the keys meaningless.

    Raises:
        ValueError: The salt is too short.
    """

    def __init__(self, salt: bytes) -> None:
        if len(salt) < 16:
            raise ValueError("The salt of a connection must have at least 16 bytes.")
        self._salt = salt
        self._known: dict[tuple[Kind, str], str] = {}

    def key(self, kind: Kind, sentry_id: str) -> str:
        """Return the first 128 bits of HMAC-SHA256(salt, "kind:id") as 32 hexadecimal digits."""
        key = self._known.get((kind, sentry_id))
        if key is None:
            key = hmac.digest(self._salt, f"{kind}:{sentry_id}".encode(), "sha256").hex()[:32]
            # The same few people occur over and over.
            if len(self._known) < REMEMBERED:
                self._known[kind, sentry_id] = key
        return key

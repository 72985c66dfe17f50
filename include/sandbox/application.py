"""The OAuth application a connector is registered as (Sentry's models/apiapplication.py)."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit, urlunsplit

from include.sandbox.scopes import DEFAULT_SCOPES

DEFAULT_CLIENT_ID = "sandbox-client"
DEFAULT_CLIENT_SECRET = "sandbox-client-secret"  # noqa: S105  # opens nothing but the sandbox
DEFAULT_NAME = "Corvana"
DEFAULT_REDIRECT_URIS = (
    "http://127.0.0.1/integrations/sentry/callback",
    "http://localhost/integrations/sentry/callback",
    "http://127.0.0.1/callback",
)
"""Without a port, so a loopback redirect may come back to any."""
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(slots=True)
class Application:
    """The one application of the sandbox; its owner can change it at any time.

    Attributes:
        client_id: Its public name in OAuth.
        client_secret: What it proves itself with.
        name: What the consent page calls it.
        redirect_uris: Where users may be sent back to.
        scopes: The most it may ask for where it requires access to one organization.
    """

    client_id: str = DEFAULT_CLIENT_ID
    client_secret: str = DEFAULT_CLIENT_SECRET
    name: str = DEFAULT_NAME
    redirect_uris: tuple[str, ...] = DEFAULT_REDIRECT_URIS
    scopes: frozenset[str] = DEFAULT_SCOPES

    def accepts(self, redirect_uri: str, *, is_legacy: bool) -> bool:
        """Return whether users may be sent to an address.

        Args:
            redirect_uri: As a client sent it.
            is_legacy: Whatever starts with a registered address is good too, as for Sentry's
                applications of version 0.
        """
        try:
            asked = _normalized(redirect_uri)
            known = [_normalized(one) for one in self.redirect_uris]
            return (
                asked in known
                or any(_is_same_loopback(asked, one) for one in known)
                or (is_legacy and any(_text(asked).startswith(_text(one)) for one in known))
            )
        except ValueError:
            # No address at all, such as one with a port that is no number.
            return False


def _normalized(address: str) -> SplitResult:
    """Return an address with its path cleaned of `..` and doubled slashes, as Sentry does."""
    parts = urlsplit(address)
    path = posixpath.normpath(parts.path) if parts.path else "/"
    if parts.path.endswith("/") and not path.endswith("/"):
        path += "/"
    return parts._replace(path=path)


def _text(parts: SplitResult) -> str:
    return urlunsplit(parts)


def _is_same_loopback(asked: SplitResult, known: SplitResult) -> bool:
    """Return whether a port is all that an address on this machine has more than a known one."""
    return (
        known.scheme == asked.scheme == "http"
        and known.hostname in LOOPBACK
        and known.port is None
        # Raises ValueError where the port is no number.
        and (asked.port is None or asked.port >= 0)
        and (asked.hostname, asked.path, asked.query) == (known.hostname, known.path, known.query)
    )

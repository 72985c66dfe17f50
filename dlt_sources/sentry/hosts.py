"""Which servers an access token may be sent to."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from dlt_sources.sentry.errors import UnexpectedResponse

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
CLOUD = "sentry.io"

_ORIGIN = re.compile(
    r"(?P<scheme>https?)://"
    r"(?:(?P<name>[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)|\[(?P<ipv6>[0-9a-f:]{2,39})\])"
    r"(?::(?P<port>[0-9]{1,5}))?/?",
    re.ASCII | re.IGNORECASE,
)
"""Scheme, host and port, and nothing in which two parsers of addresses could differ."""


@dataclass(frozen=True)
class Origin:
    """Scheme, host and port: what decides where a request goes.

    Attributes:
        scheme: `https` or `http`.
        host: Name or address, in lower case and without brackets.
        port: Always given.
    """

    scheme: str
    host: str
    port: int

    @classmethod
    def parse(cls, address: str) -> Self | None:
        """Return the origin that an address is, or None for anything else.

        An address with a user, a path other than `/`, a query or a fragment is none.
        """
        found = _ORIGIN.fullmatch(address)
        if found is None or ".." in address:
            return None
        scheme = found["scheme"].lower()
        port = int(found["port"] or (443 if scheme == "https" else 80))
        host = (found["name"] or found["ipv6"]).lower()
        return cls(scheme, host, port) if 0 < port < 65536 else None

    @cached_property
    def netloc(self) -> str:
        """Host and port as in an address, the default port left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        is_default = self.port == (443 if self.scheme == "https" else 80)
        return host if is_default else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.netloc}"

    @property
    def is_loopback(self) -> bool:
        """This machine, where plain HTTP is no risk."""
        return self.host in LOOPBACK

    @property
    def is_cloud(self) -> bool:
        """Sentry's own servers: `sentry.io` and what is below it."""
        return self.host == CLOUD or self.host.endswith(f".{CLOUD}")

    @property
    def is_private(self) -> bool:
        """Nobody between us and the server can read the token."""
        return self.scheme == "https" or self.is_loopback


def checked_server(address: str, hosts: Collection[str]) -> Origin:
    """Return the origin of a server that a token may be sent to.

    Args:
        address: Root of the server, e.g. `https://us.sentry.io`.
        hosts: Names of further servers that are trusted with tokens.

    Raises:
        ValueError: It is no such server. The sentence shows nothing but its host.
    """
    origin = Origin.parse(address)
    if origin is None or not origin.is_private:
        raise ValueError(
            "This is no address of a Sentry server: use https://<host>, with nothing before the "
            "host or behind it (http only on this machine)."
        )
    trusted = {host.lower() for host in hosts}
    if not (origin.is_cloud or origin.is_loopback or origin.host in trusted):
        raise ValueError(
            f"'{origin.host}' is no address of a Sentry server that tokens may be sent to. If it "
            "is a server of your own, add this name to CORVANA_SENTRY_HOSTS."
        )
    return origin


def checked_region(address: str, base: Origin) -> Origin:
    """Return the origin of the region that holds an organization's data.

    Sentry names it in the organization (`links.regionUrl`), so it is data from outside: the token
    follows it to the same host or to another one of Sentry's own only.

    Args:
        address: The region's address as the server gave it.
        base: The server that gave it.

    Raises:
        UnexpectedResponse: The token must not be sent there.
    """
    region = Origin.parse(address)
    if region is None or not region.is_private or not _is_related(region, base):
        raise UnexpectedResponse(
            f"Sentry at {base} names a region of the organization to which the access token must "
            "not be sent. Check the address of the connection, and who answers there."
        )
    return region


def _is_related(region: Origin, base: Origin) -> bool:
    return (
        region.host == base.host
        or (region.is_cloud and base.is_cloud)
        or (region.is_loopback and base.is_loopback)
    )

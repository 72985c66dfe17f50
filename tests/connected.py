"""Connections for tests that are not about connecting."""

from dataclasses import replace

from include.connections.registry import Connection, Registry
from include.connections.tokens import Grant

SCOPES = frozenset({"event:read", "org:read", "project:read"})


def connected(
    registry: Registry, base_url: str, organization: str, token: str, number: str | None = None
) -> Connection:
    """Connect an organization, by its slug and perhaps its id, with a token that stays."""
    begun = registry.begin(base_url, Grant(token, None, None, SCOPES), "tests")
    made = registry.connect(begun.id, number or organization, organization, "tests")
    assert made == replace(begun, **{name: getattr(made, name) for name in CHANGED})
    return made


CHANGED = ("state", "changed_at", "organization_id", "organization_slug")

"""The OAuth scopes Sentry knows (its conf/server.py, SENTRY_SCOPES), in words for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_SCOPES = frozenset({"project:read", "org:read", "event:read"})
"""What the sandbox's first token is good for, and the most an org-level application may ask."""

_THINGS = {
    "org": "the organization's settings",
    "member": "the organization's members",
    "team": "teams",
    "project": "projects, their releases and deploys",
    "event": "issues and events",
}
_DEEDS = {"read": "Read", "write": "Read and change", "admin": "Read, change and delete"}

SCOPES: Mapping[str, str] = {
    **{
        f"{thing}:{deed}": f"{deeds} {things}"
        for thing, things in _THINGS.items()
        for deed, deeds in _DEEDS.items()
    },
    "alerts:read": "Read alerts",
    "alerts:write": "Read and change alerts",
    "project:releases": "Create releases",
    "project:distribution": "Distribute builds",
    "org:ci": "Upload from continuous integration",
    "org:integrations": "Change the organization's integrations",
    "member:invite": "Invite members",
    "openid": "Know who you are",
    "profile": "Read your profile",
    "email": "Read your e-mail address",
}
"""Every scope with what it allows."""

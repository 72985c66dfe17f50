"""Recognisable poison for every field that must never be collected.

Each value contains `CANARY`, so one search over everything at rest proves that nothing leaked.
Slugs, versions, environment names and ids are allowed labels and carry none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

CANARY = "c4n4ry"
JOINED = "2023-04-01T08:00:00Z"

HEADERS: Mapping[str, str] = {
    "X-Canary": f"{CANARY}-header",
    "X-Sentry-Debug-Context": f"{CANARY}-debug user={CANARY}@example.test",
}
"""Response headers nobody asked for."""


def text(field: str, key: object = "") -> str:
    """Return a canary that tells which field leaked, and of which thing."""
    return f"{CANARY}-{field}-{key}" if key != "" else f"{CANARY}-{field}"


def email(key: object) -> str:
    """Return an e-mail address that is a canary."""
    return f"{CANARY}.{key}@example.test"


def url(field: str, key: object) -> str:
    """Return an address that is a canary."""
    return f"https://{CANARY}.example.test/{field}/{key}/"


def future(field: str) -> dict[str, object]:
    """Return an object Sentry might add one day, with content at several depths."""
    return {
        "value": text(field),
        "items": [{"text": text(field, "item"), "phone": f"+00 555 {CANARY}"}],
        "inner": {"deeper": {"deepest": text(field, "deep")}},
    }


def avatar(key: object) -> dict[str, object]:
    """Return an avatar object."""
    return {
        "avatarType": "upload",
        "avatarUuid": text("avatar", key),
        "avatarUrl": url("avatar", key),
    }


def user(user_id: str) -> dict[str, object]:
    """Return Sentry's full user object (its UserSerializer); only `id` is no canary."""
    return {
        "id": user_id,
        "name": text("person", user_id),
        "username": email(user_id),
        "email": email(user_id),
        "avatarUrl": url("avatar", user_id),
        "isActive": True,
        "isSuspended": False,
        "hasPasswordAuth": True,
        "isManaged": False,
        "dateJoined": JOINED,
        "lastLogin": JOINED,
        "has2fa": False,
        "lastActive": JOINED,
        "isSuperuser": False,
        "isStaff": False,
        "experiments": {"flag": text("experiment", user_id)},
        "emails": [{"id": "1", "email": email(user_id), "is_verified": True}],
        "options": {
            "theme": text("theme", user_id),
            "language": text("language", user_id),
            "stacktraceOrder": -1,
            "defaultIssueEvent": "recommended",
            "timezone": text("timezone", user_id),
            "clock24Hours": True,
            "prefersIssueDetailsStreamlinedUI": False,
        },
        "flags": {"newsletter_consent_prompt": False},
        "avatar": avatar(user_id),
        "identities": [],
        "authenticators": [{"name": text("authenticator", user_id)}],
    }


def commit(key: object) -> dict[str, object]:
    """Return a commit with its message and author."""
    return {
        "id": text("sha", key),
        "message": text("commit-message", key),
        "dateCreated": JOINED,
        "pullRequest": None,
        "suspectCommitType": "",
        "repository": {
            "id": "1",
            "name": text("repository", key),
            "url": url("repository", key),
            "provider": {"id": "unknown", "name": text("provider", key)},
            "status": "active",
            "dateCreated": JOINED,
            "integrationId": None,
            "externalSlug": text("repository-slug", key),
            "externalId": None,
        },
        "author": {"name": text("author", key), "email": email("author")},
        "releases": [_released(key)],
    }


def _released(key: object) -> dict[str, object]:
    """The release a commit went out with."""
    return {
        "version": text("commit-version", key),
        "shortVersion": text("commit-version", key),
        "ref": text("ref", key),
        "url": url("release", key),
        "dateReleased": None,
        "dateCreated": JOINED,
    }


def pull_request(key: object) -> dict[str, object]:
    """Return a pull request with its title, text and address."""
    return {
        "id": text("pull-request-id", key),
        "title": text("pull-request-title", key),
        "message": text("pull-request-message", key),
        "externalUrl": url("pull-request", key),
        "author": {"name": text("author", key), "email": email("author")},
    }


def metadata(key: object) -> dict[str, object]:
    """Return an issue's metadata: the error message and its place in the code."""
    return {
        "type": text("type", key),
        "value": text("value", key),
        "filename": text("filename", key),
        "function": text("function", key),
        "title": text("metadata-title", key),
        "in_app_frame_mix": "in-app-only",
        "sdk": {"name": text("sdk", key), "name_normalized": text("sdk", key)},
        "initial_priority": 75,
    }

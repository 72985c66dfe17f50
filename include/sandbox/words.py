"""Unknown words: values of Sentry's enums that nobody has heard of, some of them free text."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

from include.sandbox import canaries
from include.sandbox.spoil import Spoilage, always

if TYPE_CHECKING:
    from include.sandbox.organization import Issue

FREE_TEXT = f"{canaries.CANARY} text with spaces"
ISSUE = Spoilage(
    (
        ("status", always("paused")),
        ("status", always(FREE_TEXT)),
        ("level", always("catastrophic")),
        ("level", always(FREE_TEXT)),
        ("priority", always("urgent")),
        ("priority", always(FREE_TEXT)),
        ("substatus", always("simmering")),
        ("substatus", always(FREE_TEXT)),
        ("issueCategory", always("weather")),
        ("issueType", always(FREE_TEXT)),
        ("platform", always(FREE_TEXT)),
        ("assignedTo.type", always("robot")),
        ("assignedTo.type", always(FREE_TEXT)),
    ),
    clean=20,
)
RELEASE = Spoilage((("status", always("frozen")), ("status", always(FREE_TEXT))), clean=10)
OUTCOMES = ("evaporated", FREE_TEXT)
ACTIVITY_TYPES = ("quantum_resolved", FREE_TEXT)
SHARE_OF_ACCEPTED = 50
"""An unknown outcome has one event for so many accepted ones, at least one."""


def strange_activities(issue: Issue, at: str) -> list[dict[str, object]]:
    """Return activities of unknown types, from the time of an issue's first event; often none."""
    number = int(issue.id)
    if crc32(issue.id.encode()) % 3:
        return []
    return [
        {
            "id": str(10 * number + place),
            "user": None,
            "sentry_app": None,
            "type": kind,
            "data": {"observer": canaries.text("strange", issue.id)},
            "dateCreated": at,
        }
        for place, kind in enumerate(ACTIVITY_TYPES)
    ]

"""An issue's activities as the API shows them, from Sentry's activity table or its action log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.sandbox import canaries, drift, words
from include.sandbox.activity_body import activity_body, first_seen_body
from include.sandbox.spoil import spoil
from include.sandbox.state import FEED_LIMIT, activity_feed
from include.sandbox.times import iso, moment

if TYPE_CHECKING:
    from include.sandbox.organization import Issue
    from include.sandbox.view import View

LOG_IDS = 94_000_000_000
"""Where the ids of the action log begin (its GroupActionLogEntry), far above the activities'."""
SOURCES = ("web", "api", "system")


def feed(view: View, issue: Issue) -> list[dict[str, object]]:
    """Return the activities, newest first, and the synthetic first_seen: at most a hundred."""
    at = iso(moment(int(view.lifetime().first[view.positions[issue.id]])))
    items = [activity_body(action, issue) for action in activity_feed(issue, view.now)]
    behaviours = view.behaviours
    if behaviours.unknown_words:
        items += words.strange_activities(issue, at)
    if behaviours.action_log:
        items = [*map(_logged, items), _ping(issue, at)]
    if behaviours.drift:
        spoil(items, drift.ACTIVITY)
    return [*items[:FEED_LIMIT], first_seen_body(issue, at)]


def _logged(item: dict[str, object]) -> dict[str, object]:
    """Return an activity as the action log has it: another id, a source, merged issues by id."""
    number, data = int(str(item["id"])), item["data"]
    if item["type"] == "merge" and isinstance(data, dict):
        data = {"issues": [{"id": child["id"]} for child in data["issues"]]}
    return item | {
        "id": str(LOG_IDS + number),
        "source": "system" if item["user"] is None else SOURCES[number % 2],
        "data": data,
    }


def _ping(issue: Issue, at: str) -> dict[str, object]:
    """A type that only the action log has."""
    return {
        "id": str(LOG_IDS + int(issue.id)),
        "user": None,
        "sentry_app": None,
        "type": "issue_action_log_ping",
        "data": {"note": canaries.text("ping", issue.id)},
        "dateCreated": at,
        "source": "system",
    }

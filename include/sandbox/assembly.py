"""Turns finished stories into frozen issues: event arrays, action ids, short ids."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

from include.sandbox.organization import SILENT_KINDS, Action, Issue, Occurrences
from include.sandbox.times import iso, moment
from include.sandbox.traffic import batch_counts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from include.sandbox.story import Move, Story

BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
FIRST_ACTIVITY_ID = 5_400_000_000
RELEASE_LAGS = (0, 1, 2, 5)
"""How many releases behind the current one a client is, with these shares."""
LAG_SHARES = (0.76, 0.19, 0.04, 0.01)
NO_RELEASE_SHARE = 0.04
PERFORMANCE_EVERY = 50
"""Of so many issues one is about slow database queries, which search shows beside the errors."""
TYPES = {
    "error": ("error", "error"),
    "feedback": ("feedback", "feedback"),
    "performance": ("transaction", "performance_slow_db_query"),
}
"""Event type and issue type of each category."""
BETWEEN_ERRORS = frozenset(
    {"merge", "pending_merge", "merged_into", "unmerge_source", "unmerge_destination"}
)
"""Only errors can be merged (Sentry's group_index/update.py)."""


def issues_of(stories: Sequence[Story], ids: Sequence[str]) -> tuple[Issue, ...]:
    """Return the issues of the stories, in their order."""
    moves = [sorted(story.moves, key=lambda move: move.at) for story in stories]
    activity_ids = _activity_ids(moves)
    numbers: dict[str, int] = defaultdict(int)
    issues = []
    for position, (story, issue_id) in enumerate(zip(stories, ids, strict=True)):
        numbers[story.plan.short_prefix] += 1
        short_id = f"{story.plan.short_prefix}-{_base32(numbers[story.plan.short_prefix])}"
        actions = tuple(
            _action(move, activity_ids.get((position, place)))
            for place, move in enumerate(moves[position])
        )
        issues.append(_issue(story, issue_id, short_id, actions))
    return tuple(issues)


def _issue(story: Story, issue_id: str, short_id: str, actions: tuple[Action, ...]) -> Issue:
    category = _category(story, issue_id)
    event_type, issue_type = TYPES[category]
    calm = "medium" if story.level == "error" else "low"
    return Issue(
        id=issue_id,
        short_id=short_id,
        project_id=story.plan.project.id,
        level=story.level,
        platform=story.plan.project.platform.split("-", maxsplit=1)[0],
        event_type=event_type,
        issue_type=issue_type,
        category=category,
        is_unhandled=story.is_unhandled and category == "error",
        initial_priority="high" if story.is_urgent else calm,
        first_seen=moment(story.first),
        occurrences=_occurrences(story),
        actions=actions,
    )


def _category(story: Story, issue_id: str) -> str:
    """Return what kind of problem an issue is about; chosen by its id, so no chance is used up."""
    is_chosen = story.category == "error" and crc32(issue_id.encode()) % PERFORMANCE_EVERY == 0
    if is_chosen and not any(move.kind in BETWEEN_ERRORS for move in story.moves):
        return "performance"
    return story.category


def _occurrences(story: Story) -> Occurrences:
    times = story.event_times()
    counts = batch_counts(story.shape, story.plan.noise, len(times), story.dice)
    if story.loudness != 1.0:
        counts = np.ceil(counts * story.loudness).astype(np.int64)
    if story.louder_from is not None:
        growth = np.where(times >= story.louder_from, story.plan.habits.growth, 1.0)
        counts = np.ceil(counts * growth).astype(np.int64)
    arrays = (times, _codes(story, times), counts)
    for array in arrays:
        array.flags.writeable = False
    return Occurrences(*arrays)


def _codes(story: Story, times: NDArray[np.int64]) -> NDArray[np.int32]:
    """Choose the release of each batch: mostly the current one, sometimes an older, or none."""
    rng, shelf = story.dice.rng, story.shelf
    if not shelf.codes:
        return np.zeros(len(times), dtype=np.int32)
    current = np.searchsorted(np.array(shelf.created), times, side="right") - 1
    lags = rng.choice(RELEASE_LAGS, size=len(times), p=LAG_SHARES)
    is_without = rng.random(len(times)) < NO_RELEASE_SHARE
    # A regression's activity names the current release, so its event must come from it.
    is_regression = np.isin(times, np.array(story.added, dtype=np.int64))
    lags[is_regression], is_without[is_regression] = 0, False
    codes = np.array(shelf.codes, dtype=np.int32)[np.maximum(current - lags, 0)]
    return np.where(is_without | (current < 0), 0, codes).astype(np.int32)


def _action(move: Move, activity_id: str | None) -> Action:
    data = dict(move.data)
    until = data.get("ignoreUntil")
    if isinstance(until, float):
        data["ignoreUntil"] = iso(moment(until))
    return Action(moment(move.at), move.kind, move.actor, data, activity_id)


def _activity_ids(moves: Sequence[Sequence[Move]]) -> dict[tuple[int, int], str]:
    """Number the activities of all issues in the order they happen."""
    places = sorted(_places(moves))
    return {
        (position, place): str(FIRST_ACTIVITY_ID + 3 * number)
        for number, (_, position, place) in enumerate(places)
    }


def _places(moves: Sequence[Sequence[Move]]) -> Iterator[tuple[float, int, int]]:
    for position, mine in enumerate(moves):
        for place, move in enumerate(mine):
            if move.kind not in SILENT_KINDS:
                yield move.at, position, place


def _base32(number: int) -> str:
    """Write a number as Sentry does in short ids (Sentry's utils/numbers.py)."""
    digits = ""
    while number:
        number, digit = divmod(number, 32)
        digits = BASE32[digit] + digits
    return digits

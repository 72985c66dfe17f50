"""Merges, deletions and unmerges: what happens between issues or to a whole one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.sandbox.pacing import DAY_S, HOUR_S, at_work
from include.sandbox.triage import person

if TYPE_CHECKING:
    from collections.abc import Sequence

    from include.sandbox.dice import Dice
    from include.sandbox.story import Story

MERGE_SHARE = 0.014
DELETION_SHARE = 0.008
UNMERGE_SHARE = 0.002
PENDING_MERGE_S = 60.0
PENDING_DELETION_S = HOUR_S


def befall(stories: Sequence[Story], ids: Sequence[str], dice: Dice) -> None:
    """Let accidents happen to some of the stories; nobody has two, except survivors of merges.

    Args:
        stories: All stories, each complete for itself.
        ids: Their issue ids, in the same order.
        dice: Chance of its own.
    """
    free = [position for position, story in enumerate(stories) if story.category == "error"]
    used: set[int] = set()
    for _ in range(max(3, round(len(stories) * MERGE_SHARE))):
        _merge_one(stories, ids, _take(free, used, dice), used, dice)
    for _ in range(max(2, round(len(stories) * DELETION_SHARE))):
        _delete(stories[_take(free, used, dice)], dice)
    for _ in range(max(1, round(len(stories) * UNMERGE_SHARE))):
        _unmerge(stories, _take(free, used, dice), used, dice)


def _take(free: Sequence[int], used: set[int], dice: Dice) -> int:
    """Choose a story nothing has happened to."""
    while (position := dice.pick(free)) in used:
        pass
    used.add(position)
    return position


def _partner(
    stories: Sequence[Story], position: int, used: set[int], dice: Dice, *, plain: bool
) -> int | None:
    """Choose a story of the same project near in time; None if chance finds none."""
    project = stories[position].plan
    for _ in range(60):
        other = position + dice.integer(-80, 80)
        if not 0 <= other < len(stories) or other in used:
            continue
        candidate = stories[other]
        is_fitting = candidate.plan is project and candidate.category == "error"
        if is_fitting and (candidate.is_plain or not plain):
            return other
    return None


def _merge_one(
    stories: Sequence[Story], ids: Sequence[str], child: int, used: set[int], dice: Dice
) -> None:
    """Merge a story, and sometimes a second one, into an open one of its project."""
    survivor = _partner(stories, child, used, dice, plain=True)
    if survivor is None:
        return
    used.add(survivor)
    children = [child]
    second = _partner(stories, child, used, dice, plain=False) if dice.chance(0.3) else None
    if second is not None:
        used.add(second)
        children.append(second)
    keeper = stories[survivor]
    earliest = max(stories[one].first for one in (survivor, *children)) + HOUR_S
    at = at_work(dice.between(earliest, keeper.end - DAY_S), dice)
    if at >= keeper.end - HOUR_S:
        return
    for one in children:
        _cut_off(stories[one], at - PENDING_MERGE_S)
        stories[one].do(at - PENDING_MERGE_S, "pending_merge")
        stories[one].do(at, "merged_into", None, survivor=ids[survivor])
    # Sentry writes numbers here, unlike everywhere else in the API.
    merged = [{"id": int(ids[one])} for one in children]
    keeper.do(at, "merge", person(keeper), issues=merged)


def _delete(story: Story, dice: Dice) -> None:
    at = at_work(dice.between(story.first + HOUR_S, story.end - DAY_S), dice)
    if at + PENDING_DELETION_S >= story.end:
        return
    _cut_off(story, at)
    story.do(at, "pending_deletion", person(story))
    story.do(at + PENDING_DELETION_S, "deleted")


def _cut_off(story: Story, at: float) -> None:
    """Let nothing happen from a moment on."""
    story.moves = [move for move in story.moves if move.at < at]
    story.events_end = min(story.events_end, at)


def _unmerge(stories: Sequence[Story], position: int, used: set[int], dice: Dice) -> None:
    """Leave the two activities of an unmerge: a new issue was split off an older one."""
    other = _partner(stories, position, used, dice, plain=False)
    if other is None:
        return
    used.add(other)
    older, newer = (stories[one] for one in sorted((position, other)))
    at = newer.first + 1.5
    actor = person(newer)
    older.do(at, "unmerge_source", actor)
    newer.do(at, "unmerge_destination", actor)

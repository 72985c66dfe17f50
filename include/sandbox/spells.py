"""The spells of an issue: opened by an event or a person, closed by a resolution or an archive."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from include.sandbox.pacing import DAY_S, HOUR_S, at_work
from include.sandbox.triage import become_ongoing, groom, look_after, person

if TYPE_CHECKING:
    from include.sandbox.story import Story

ARCHIVES = (("forever", 0.3), ("until_escalating", 0.4), ("duration", 0.15), ("count", 0.15))


def live(story: Story) -> None:
    """Write the issue's life from its first event to the end of time."""
    opened: float | None = float(story.first)
    is_settling = True
    while opened is not None:
        opened, is_settling = _spell(story, opened, is_settling=is_settling)


def _spell(story: Story, start: float, *, is_settling: bool) -> tuple[float | None, bool]:
    """Write one open spell; return when the next one starts and whether it starts unsettled.

    Unsettled spells (new, regressed, escalating) become ongoing after a week; those that a
    person opened are ongoing from the start.
    """
    dice, plan, habits = story.dice, story.plan, story.plan.habits
    fate = dice.weighted(
        (
            ("resolve", plan.resolve_rate),
            ("archive", habits.archive_rate),
            ("stay", 1.0 - habits.archive_rate - plan.resolve_rate),
        )
    )
    pace = 0.4 if fate == "archive" else 1.0
    if story.is_urgent:
        pace *= habits.urgent_delay
    close = at_work(start + dice.lognormal(plan.resolution_days * pace, 1.25) * DAY_S, dice)
    until = story.end if fate == "stay" else close
    aged = _too_old(story, start, until)
    if aged is not None:
        fate, until = "age", aged
    look_after(story, start, until, interest=habits.interest[fate != "resolve"])
    if is_settling:
        become_ongoing(story, start, until)
    if fate == "stay" or until >= story.end:
        groom(story, start + 10 * DAY_S)
        return None, False
    story.is_plain = False
    if fate == "archive":
        return _archive(story, until)
    return _resolve(story, until, by_age=fate == "age")


def _too_old(story: Story, start: float, until: float) -> float | None:
    """Return when the project's auto-resolve age is reached before `until`, if it is."""
    age_hours = story.plan.project.resolve_age_hours
    if age_hours is None:
        return None
    last = start
    while True:
        coming = story.next_event(last)
        if coming is None or coming - last > age_hours * HOUR_S:
            due = last + age_hours * HOUR_S
            return due if due < until else None
        last = float(coming)


def _resolve(story: Story, at: float, *, by_age: bool) -> tuple[float | None, bool]:
    """Close a spell by a resolution; return as `_spell` does."""
    if by_age:
        return _resolve_by_age(story, at)
    kind = story.dice.weighted(story.plan.habits.resolutions)
    appears = _write_resolution(story, at, kind, _resolver(story))
    opened, is_settling = _reopening(story, at)
    if appears is not None and (opened is None or appears[0] < opened):
        story.do(appears[0], "release_appeared", None, version=appears[1])
    return opened, is_settling


def _resolve_by_age(story: Story, due: float) -> tuple[float | None, bool]:
    """Resolve by age: the API says so at once, the task writes it down within the hour."""
    written = due + story.dice.between(60, 3000)
    story.do(due, "age_reached")
    story.do(written, "set_resolved_by_age", None, age=story.plan.project.resolve_age_hours)
    reopened = story.next_event(written)
    if reopened is None:
        story.silence(due, math.inf)
        return None, False
    return _regress(story, reopened, due), True


def _resolver(story: Story) -> str:
    if story.assignee is not None and story.assignee[0] == "user" and story.dice.chance(0.7):
        return story.assignee[1]
    return person(story)


def _write_resolution(story: Story, at: float, kind: str, actor: str) -> tuple[float, str] | None:
    """Write the resolution; return when its next release appears, where it waits for one."""
    version = story.shelf.current(at)
    if kind.startswith("in_") and not version:
        kind = "set_resolved"
    if kind == "in_release":
        story.do(at, "set_resolved_in_release", actor, version=version)
    elif kind == "in_next_release":
        data = {"version": "", "inNextRelease": True, "current_release_version": version}
        story.do(at, "set_resolved_in_release", actor, **data)
        coming = story.shelf.following(at)
        return None if coming is None else (coming[0] + story.dice.between(2, 90), coming[1])
    else:
        story.do(at, kind, actor)
    return None


def _reopening(story: Story, at: float) -> tuple[float | None, bool]:
    """Decide whether a resolution holds: for good, until a person, or until an event."""
    dice = story.dice
    is_promised = story.needed is not None and at < story.needed
    latest = float(story.needed) if is_promised and story.needed is not None else story.end
    if dice.chance(story.plan.habits.reopen_rate):
        wait_s = dice.between(60, 1800) if dice.chance(0.3) else dice.lognormal(2, 1.0) * DAY_S
        again = at_work(at + wait_s, dice)
        if again < latest:
            story.do(again, "set_unresolved", person(story))
            story.silence(at, again)
            return again, False
    returns = at + max(HOUR_S, dice.lognormal(8, 1.3) * DAY_S)
    if is_promised:
        return _regress(story, math.ceil(min(max(returns, at + 1), latest)), at), True
    if dice.chance(story.plan.regression_rate) and returns < story.events_end:
        return _regress(story, math.ceil(returns), at), True
    story.silence(at, math.inf)
    return None, False


def _regress(story: Story, event: int, resolved_at: float) -> float:
    """Reopen by an event after the resolution; return when the new spell starts."""
    dice = story.dice
    story.silence(resolved_at, event)
    story.added.append(event)
    # More of the same usually follows within the day.
    story.added.extend(event + 5 + int(dice.exponential(9 * HOUR_S)) for _ in range(2))
    noticed = event + dice.between(0.4, 4)
    story.do(noticed, "set_regression", None, version=story.shelf.current(event))
    return noticed


def _archive(story: Story, at: float) -> tuple[float | None, bool]:
    """Close a spell by archiving; events go on, and may bring the issue back."""
    how = story.dice.weighted(ARCHIVES)
    if how == "duration":
        return _archive_for_a_time(story, at)
    if how == "count":
        return _archive_for_a_count(story, at)
    story.do(at, "set_ignored", person(story), **_snooze(until_escalating=how != "forever"))
    if how == "forever":
        again = at_work(at + story.dice.exponential(90) * DAY_S, story.dice)
        if not story.dice.chance(0.12) or again >= story.end:
            return None, False
        story.do(again, "set_unresolved", person(story))
        return again, False
    louder = story.next_event(at + story.dice.exponential(12) * DAY_S)
    if louder is None or not story.dice.chance(0.6):
        return None, False
    return _escalate(story, louder, {}), True


def _archive_for_a_time(story: Story, at: float) -> tuple[float | None, bool]:
    """Archive for some days; the lapse itself may leave no activity at all."""
    dice = story.dice
    minutes = dice.pick((1, 7, 30)) * 24 * 60
    lapses = at + minutes * 60
    story.do(at, "set_ignored", person(story), **_snooze(minutes=minutes, until=lapses))
    story.do(lapses, "snooze_lapsed")
    if dice.chance(0.5):
        story.do(lapses + dice.between(30, 3000), "set_unresolved")
    return (lapses, False) if lapses < story.end else (None, False)


def _archive_for_a_count(story: Story, at: float) -> tuple[float | None, bool]:
    """Archive until so many events; how many come is not counted here, only how long it takes."""
    count = story.dice.pick((10, 100, 1000))
    story.do(at, "set_ignored", person(story), **_snooze(count=count))
    reached = story.next_event(at + count * story.dice.between(0.05, 0.5) * DAY_S)
    if reached is None:
        return None, False
    return _escalate(story, reached, {"expired_snooze": {"count": count}}), True


def _escalate(story: Story, event: int, data: dict[str, object]) -> float:
    noticed = event + story.dice.between(0.5, 5)
    forecast = story.dice.integer(2, 80)
    story.do(noticed, "set_escalating", None, **data, forecast=forecast)
    story.do(noticed + 0.01, "set_priority", None, priority="high", reason="escalating")
    return noticed


def _snooze(
    *,
    count: int | None = None,
    minutes: int | None = None,
    until: float | None = None,
    until_escalating: bool = False,
) -> dict[str, object]:
    """Return the `data` of set_ignored; `until` stays in epoch seconds until the facts are cut."""
    return {
        "ignoreCount": count,
        "ignoreDuration": minutes,
        "ignoreUntil": until,
        "ignoreUserCount": None,
        "ignoreUserWindow": None,
        "ignoreWindow": None,
        "ignoreUntilEscalating": until_escalating,
    }

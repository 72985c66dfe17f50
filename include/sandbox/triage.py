"""What people and Sentry do with an open issue, short of resolving or archiving it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.sandbox.catalog import PEOPLE
from include.sandbox.pacing import DAY_S, HOUR_S, at_work

if TYPE_CHECKING:
    from include.sandbox.story import Story

AUTO_SOURCES = (("suspectCommitter", 0.5), ("codeowners", 0.3), ("projectOwnership", 0.2))
ONGOING_AFTER_S = 7 * DAY_S
SEER_STEPS = (
    "seer_rca_started",
    "seer_rca_completed",
    "seer_solution_completed",
    "seer_coding_completed",
    "seer_pr_created",
)


def person(story: Story) -> str:
    """Return somebody of the project's teams; in an overloaded project mostly the same one."""
    if story.dice.chance(story.plan.overload):
        return PEOPLE[0].id
    teams = set(story.plan.project.team_ids)
    return story.dice.pick([one.id for one in PEOPLE if teams & set(one.team_ids)])


def assign(story: Story, at: float) -> None:
    """Have a person assign the issue: to oneself, to somebody else, or to a team."""
    dice = story.dice
    how = dice.weighted((("self", 0.54), ("other", 0.32), ("team", 0.14)))
    if how == "team":
        team = dice.pick(story.plan.project.team_ids)
        _set_assignee(story, at, ("team", team), person(story))
        return
    chosen = person(story)
    _set_assignee(story, at, ("user", chosen), chosen if how == "self" else person(story))


def _set_assignee(story: Story, at: float, target: tuple[str, str], actor: str) -> None:
    story.assignee = target
    story.do(at, "assigned", actor, assignee=target[1], assigneeType=target[0])


def assign_by_rule(story: Story, at: float) -> None:
    """Have Sentry assign the issue, by code owners, ownership rules or the suspect commit."""
    chosen, source = person(story), story.dice.weighted(AUTO_SOURCES)
    story.assignee = ("user", chosen)
    story.do(at, "assigned", None, assignee=chosen, assigneeType="user", integration=source)


def hand_over(story: Story, at: float, until: float) -> None:
    """Pass an assigned issue on once, sometimes back again, sometimes to nobody."""
    dice, before = story.dice, story.assignee
    later = at_work(at + dice.lognormal(1.5, 1.0) * DAY_S, dice)
    if before is None or later >= until:
        return
    if dice.chance(0.25):
        story.assignee = None
        story.do(later, "unassigned", person(story))
        return
    other = person(story)
    if other == before[1]:
        return
    _set_assignee(story, later, ("user", other), before[1] if before[0] == "user" else other)
    back = at_work(later + dice.lognormal(1.0, 0.8) * DAY_S, dice)
    if dice.chance(story.plan.habits.return_rate) and back < until:
        _set_assignee(story, back, before, other)


def look_after(story: Story, start: float, until: float, *, interest: float) -> None:
    """Fill an open spell with triage between two moments.

    Args:
        story: The issue.
        start: When the spell began.
        until: When it ends, if it does.
        interest: How much attention the issue gets, 0 to 1.
    """
    dice = story.dice
    if story.assignee is None and dice.chance(interest):
        _find_owner(story, start, until)
    at = at_work(start + dice.lognormal(0.6, 1.2) * DAY_S, dice)
    if at >= until or not dice.chance(0.3 + 0.3 * interest):
        return
    _side_step(story, at, until)


def _find_owner(story: Story, start: float, until: float) -> None:
    """Assign a new spell: a rule within minutes, a person within days."""
    dice = story.dice
    is_ruled = dice.chance(0.16)
    at = start + dice.between(20, 600)
    if not is_ruled:
        at = at_work(start + dice.lognormal(story.plan.habits.assignment_days, 1.5) * DAY_S, dice)
    if at >= until:
        return
    (assign_by_rule if is_ruled else assign)(story, at)
    if dice.chance(story.plan.habits.handover_rate):
        hand_over(story, at, until)


def _side_step(story: Story, at: float, until: float) -> None:
    """One of the things done beside assigning."""
    dice = story.dice
    kind = dice.weighted(
        (
            ("mark_reviewed", 0.34),
            ("note", 0.26),
            ("set_priority", 0.16),
            ("create_issue", 0.1),
            ("referenced_in_commit", 0.05),
            ("seer", 0.09),
        )
    )
    if kind == "mark_reviewed":
        _review(story, at)
    elif kind == "note":
        for _ in range(dice.integer(1, 4)):
            if at < until:
                story.do(at, "note", person(story))
            at += dice.exponential(6 * HOUR_S)
    elif kind == "set_priority":
        prioritize(story, at)
    elif kind == "seer":
        _run_seer(story, at, until)
    elif kind == "create_issue":
        story.do(at, kind, person(story), provider=dice.pick(("jira", "github", "linear")))
    else:
        story.do(at, kind, person(story))


def _review(story: Story, at: float) -> None:
    """Mark as reviewed; a double click leaves the same activity twice."""
    actor = person(story)
    story.do(at, "mark_reviewed", actor)
    if story.dice.chance(0.15):
        story.do(at + story.dice.between(0.5, 4), "mark_reviewed", actor)


def prioritize(story: Story, at: float) -> None:
    """Set the priority by hand, which locks it."""
    story.do(at, "set_priority", person(story), priority=story.dice.pick(("low", "medium", "high")))


def _run_seer(story: Story, at: float, until: float) -> None:
    dice = story.dice
    story.do(at, "trigger_autofix", person(story))
    for step in SEER_STEPS[: dice.integer(1, len(SEER_STEPS))]:
        at += dice.between(40, 400)
        if at < until:
            story.do(at, step)


def become_ongoing(story: Story, start: float, until: float) -> None:
    """After seven days in the same open state Sentry calls an issue ongoing."""
    due = start + ONGOING_AFTER_S + story.dice.between(10, 600)
    if due < until:
        story.do(due, "auto_set_ongoing", None, after_days=7)


def groom(story: Story, start: float) -> None:
    """Work on a long open issue now and then until the end, with or without new events."""
    dice = story.dice
    at = start + dice.exponential(55) * DAY_S
    while at < story.end:
        at = at_work(at, dice)
        kind = dice.weighted((("assign", 0.45), ("priority", 0.25), ("note", 0.2), ("drop", 0.1)))
        if kind == "assign":
            assign(story, at)
        elif kind == "priority":
            prioritize(story, at)
        elif kind == "note":
            story.do(at, "note", person(story))
        elif story.assignee is not None:
            story.assignee = None
            story.do(at, "unassigned", person(story))
        at += dice.exponential(55) * DAY_S


def quarrel(story: Story) -> None:
    """Fill an issue with more than a hundred activities: comments and ping-pong."""
    dice, at = story.dice, float(story.first)
    pair = PEOPLE[0].id, PEOPLE[1].id
    for turn in range(dice.integer(115, 170)):
        at += dice.exponential(2 * HOUR_S)
        if turn % 3 == 0:
            _set_assignee(story, at, ("user", pair[turn % 2]), pair[(turn + 1) % 2])
        else:
            story.do(at, "note", pair[turn % 2])

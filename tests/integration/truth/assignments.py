"""Who an issue was assigned to, and when: the basis of every figure about assignment."""

from dataclasses import dataclass
from datetime import datetime

from tests.integration.truth.facts import Facts
from tests.integration.truth.ledger import Row

CHATS = {"slack", "msteams", "discord"}
"""Integrations through which people assign, not rules."""


@dataclass(frozen=True)
class Assignment:
    """An unbroken time with one assignee; `end` is None while it lasts.

    `kind` is user or team. `earlier` are the assignees of the issue's assignments before, in time.
    """

    assignee: str
    source: str
    kind: str
    begin: datetime
    end: datetime | None
    earlier: tuple[str, ...]

    @property
    def is_handoff(self) -> bool:
        """Whether the assignment before was another assignee's."""
        return bool(self.earlier) and self.earlier[-1] != self.assignee

    @property
    def is_ping_pong(self) -> bool:
        """Whether it is a handoff back to somebody who had the issue before."""
        return self.is_handoff and self.assignee in self.earlier

    def overlaps(self, start: datetime, end: datetime) -> bool:
        """Whether it shares more than a moment with an interval."""
        return self.begin < end and (self.end is None or self.end > start)

    def holds_before(self, moment: datetime) -> bool:
        """Whether it began before a moment and lasted to it."""
        return self.begin < moment and (self.end is None or self.end >= moment)


@dataclass(frozen=True)
class _Change:
    at: datetime
    assignee: str | None
    source: str | None
    kind: str | None


def assignments(facts: Facts, issue: Row) -> list[Assignment]:
    """Return an issue's assignments in time."""
    changes = _recorded(facts, issue)
    changes += _inferred(facts, issue, changes)
    effective: list[_Change] = []
    for change in changes:
        if change.assignee != (effective[-1].assignee if effective else None):
            effective.append(change)
    found: list[Assignment] = []
    ends = [*(change.at for change in effective[1:]), None]
    for change, end in zip(effective, ends, strict=False):
        if change.assignee is not None and change.source is not None and change.kind is not None:
            earlier = tuple(one.assignee for one in found)
            found.append(
                Assignment(change.assignee, change.source, change.kind, change.at, end, earlier)
            )
    return found


def _recorded(facts: Facts, issue: Row) -> list[_Change]:
    changes = []
    for row in facts.activities[issue["id"]]:
        if row["type"] == "unassigned":
            changes.append(_Change(row["date_created"], None, None, None))
        elif row["type"] == "assigned" and row["assignee_key"] is not None:
            is_rule = row["integration"] is not None and row["integration"] not in CHATS
            source = "auto" if is_rule else row["assignee_type"]
            kind = row["assignee_type"]
            changes.append(_Change(row["date_created"], row["assignee_key"], source, kind))
    assert len({one.at for one in changes}) == len(changes), "ids would decide"
    return changes


def _inferred(facts: Facts, issue: Row, changes: list[_Change]) -> list[_Change]:
    """The change that the last reading shows and no activity tells, if there is one."""
    left_with = changes[-1].assignee if changes else None
    if issue["tombstone"] or issue["assignee_key"] == left_with:
        return []
    latest = max([issue["observed_at"], *(one.at for one in changes[-1:])])
    at = min(latest, facts.as_of)
    kind = issue["assignee_type"]
    return [_Change(at, issue["assignee_key"], kind, kind)]

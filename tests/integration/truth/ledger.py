"""What a connection's loads can know of the organization, from the ground truth alone.

A `Ledger` is told when the loads ran. It follows the published rules: an issue is found by an event
in the searched window; a known issue is read at every load while it is open or something happened
to it lately, else once a day; its activities are read when its state changed, when it is new and
touched, when another issue was merged into it, and in turn by the audit, the longest unread first.
"""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from include.sandbox.organization import Action, Issue, Organization
from include.sandbox.state import IssueState, activity_feed, issue_state
from include.sandbox.tallies import Seen, seen
from tests.integration.truth.moments import moment

SEARCH_REACH = timedelta(days=90)
SEARCH_LAG = timedelta(minutes=5)
SEARCH_OVERLAP = timedelta(hours=6)

RECENT = timedelta(days=30)
DAILY = timedelta(days=1)

STATE = (
    "status",
    "substatus",
    "in_release",
    "in_next_release",
    "auto_resolved",
    "ignore_until",
    "ignore_count",
    "ignore_window",
    "assignee_type",
    "assignee_key",
    "priority",
    "priority_locked_at",
    "last_progressed_at",
    "project_id",
)
"""Columns of an issue of which a change makes a load read the issue's activities again."""

KEPT_DATA = {
    "set_resolved_in_release": {"version": "version", "in_next_release": "inNextRelease"},
    "set_regression": {"version": "version"},
    "set_resolved_by_age": {"age": "age"},
    "set_ignored": {
        "ignore_until": "ignoreUntil",
        "ignore_duration": "ignoreDuration",
        "ignore_count": "ignoreCount",
        "ignore_until_escalating": "ignoreUntilEscalating",
    },
    "assigned": {"assignee_type": "assigneeType", "integration": "integration"},
    "set_priority": {"priority": "priority", "reason": "reason"},
    "auto_set_ongoing": {"after_days": "after_days"},
}
"""What may be kept of an activity, by type and column: the key in Sentry's `data`."""

ACTIVITY_COLUMNS = (
    "issue_id",
    "type",
    "date_created",
    "actor_key",
    "version",
    "in_next_release",
    "age",
    "ignore_until",
    "ignore_duration",
    "ignore_count",
    "ignore_until_escalating",
    "assignee_type",
    "assignee_key",
    "integration",
    "priority",
    "reason",
    "after_days",
)
"""Columns of `issue_activities` but its id, which is a hash of the others."""

Row = dict[str, Any]
ActivityRow = tuple[Any, ...]


@dataclass
class Ledger:
    """Everything the loads up to now can have stored about issues.

    Attributes:
        organization: The ground truth.
        salt: The connection's, for pseudonyms.
        audit: Histories that each load but the first reads again.
        loads: When loads ran.
        swept: When a load last read all known issues.
        histories: When an issue's activities were last read, and when the latest one happened.
        shown: How many there were then, the first_seen that Sentry makes up included; none while a
            merge or deletion is pending.
        explained: When that was.
        issues: Rows of `issues` by id, tombstoned ones included.
        activities: Rows of `issue_activities` by issue, in the order of `ACTIVITY_COLUMNS`.
        changed: Issues of which the last load read the activities.
        found: Issues that the last load's search showed.
        lifetime: Events of every issue over its whole life, as of the last load.
    """

    organization: Organization
    salt: bytes
    audit: int = 50
    swept: datetime | None = None
    histories: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)
    shown: dict[str, int] = field(default_factory=dict)
    explained: dict[str, datetime] = field(default_factory=dict)
    loads: list[datetime] = field(default_factory=list)
    issues: dict[str, Row] = field(default_factory=dict)
    activities: dict[str, set[ActivityRow]] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    found: set[str] = field(default_factory=set)
    lifetime: dict[str, Seen] = field(default_factory=dict)
    _hot_before: set[str] = field(default_factory=set)

    def load(self, at: datetime) -> None:
        """Let a load run at a moment."""
        window = self._window(at)
        hits = seen(self.organization, at, *window)
        self.lifetime = seen(
            self.organization, at, self.organization.start, self.organization.horizon
        )
        is_daily = self.swept is None or at - self.swept >= DAILY
        queue = self._audit_queue(at) if self.loads else []
        self._hot_before = {one for one in self.issues if self._is_hot(one, at)}
        watched = {issue_id for issue_id in self.issues if is_daily or issue_id in self._hot_before}
        self.loads.append(at)
        self.changed, self.found = set(), set()
        for issue in self.organization.issues:
            state = issue_state(issue, at)
            is_found = (
                issue.id in hits and state.existence == "present" and issue.category != "feedback"
            )
            if is_found:
                self.found.add(issue.id)
            if is_found or issue.id in watched:
                self._read(issue, state, at, self.lifetime.get(issue.id) if is_found else None)
        for issue in self._survivors(at):
            state = issue_state(issue, at)
            self._read(issue, state, at, self.lifetime.get(issue.id))
            self.changed.add(issue.id)
            self._explain(issue, state, at)
        if is_daily:
            self.swept = at
        for issue_id in self._audited(queue, at):
            issue = self.organization.issues_by_id[issue_id]
            self._explain(issue, issue_state(issue, at), at)

    def _is_hot(self, issue_id: str, at: datetime) -> bool:
        """Whether an issue is open, or something happened to it lately, as the loads know it."""
        row = self.issues[issue_id]
        latest = self.histories.get(issue_id, (None, row["observed_at"]))[1]
        return row["status"] not in {"resolved", "ignored"} or latest > at - RECENT

    def _audit_queue(self, at: datetime) -> list[str]:
        """The issues known before a load by how long they were not read, never read ones first."""
        live = [
            one
            for one, row in self.issues.items()
            if row["tombstone"] is None and not row["status"].startswith("pending")
        ]
        never = datetime.min.replace(tzinfo=at.tzinfo)
        return sorted(live, key=lambda one: (self.histories.get(one, (never,))[0], one))

    def _audited(self, queue: list[str], at: datetime) -> list[str]:
        """The issues that a load audits: a fifth of the budget goes to those closed long ago."""
        waiting = [one for one in queue if one not in self.histories or self.histories[one][0] < at]
        hot = [one for one in waiting if one in self._hot_before]
        cold = [one for one in waiting if one not in self._hot_before]
        of_cold = min(len(cold), max(self.audit // 5, self.audit - len(hot)))
        return hot[: self.audit - of_cold] + cold[:of_cold]

    def _survivors(self, at: datetime) -> list[Issue]:
        """The issues into which this load saw others merged."""
        into = {
            row["merged_into"]
            for row in self.issues.values()
            if row["tombstone"] == "merged" and row["observed_at"] == at
        }
        return [issue for issue in self.organization.issues if issue.id in into]

    def _window(self, at: datetime) -> tuple[datetime, datetime]:
        """The window that a load at this moment searches."""
        if not self.loads:
            return at - SEARCH_REACH, at - SEARCH_LAG
        return self.loads[-1] - SEARCH_LAG - SEARCH_OVERLAP, at - SEARCH_LAG

    def _read(self, issue: Issue, state: IssueState, at: datetime, counted: Seen | None) -> None:
        """Read one issue; its counters only where the search showed them."""
        before = self.issues.get(issue.id)
        if state.existence in {"merged", "deleted"}:
            if before is not None and before["tombstone"] is None:
                gone = {"tombstone": state.existence, "merged_into": state.merged_into}
                self.issues[issue.id] = before | gone | {"observed_at": at}
            return
        row = self._row(issue, state, at)
        row |= _counters(counted) if counted or before is None else _kept_counters(before)
        if before is None and not _is_touched(row):
            self.activities[issue.id] = {self._first_seen(issue.id)}
        elif before is None or any(before[name] != row[name] for name in STATE):
            self.changed.add(issue.id)
            self._explain(issue, state, at)
        if before is None or before | {"observed_at": at} != row:
            self.issues[issue.id] = row

    def _row(self, issue: Issue, state: IssueState, at: datetime) -> Row:
        until = state.details.get("ignoreUntil")
        return {
            "id": issue.id,
            "short_id": issue.short_id,
            "project_id": issue.project_id,
            "status": state.status,
            "substatus": state.substatus,
            "in_release": state.details.get("inRelease"),
            "in_next_release": state.details.get("inNextRelease"),
            "auto_resolved": state.details.get("autoResolved"),
            "ignore_until": _time(until),
            "ignore_count": state.details.get("ignoreCount"),
            "ignore_window": state.details.get("ignoreWindow"),
            "level": issue.level,
            "priority": state.priority,
            "priority_locked_at": state.priority_locked_at,
            "platform": issue.platform,
            "issue_type": issue.issue_type,
            "issue_category": issue.category,
            "is_unhandled": issue.is_unhandled,
            "num_comments": state.comment_count,
            "assignee_type": state.assignee[0] if state.assignee else None,
            "assignee_key": self.pseudonym(*state.assignee) if state.assignee else None,
            "last_progressed_at": state.last_progressed_at,
            "observed_at": at,
            "tombstone": None,
            "merged_into": None,
        }

    def _explain(self, issue: Issue, state: IssueState, at: datetime) -> None:
        """Read the activities; while a merge or deletion is pending Sentry shows none.

        Sentry makes up the first_seen, one for each issue: it moves when a merge brings older
        events, so only the latest is there.
        """
        if state.existence != "present":
            self.shown[issue.id] = 0
            self.explained[issue.id] = at
            return
        rows = self.activities.get(issue.id, set())
        stored = {row for row in rows if row[1] != "first_seen"}
        stored.update(self._activity(issue.id, action) for action in activity_feed(issue, at))
        stored.add(self._first_seen(issue.id))
        self.activities[issue.id] = stored
        shown = [action.at for action in activity_feed(issue, at)]
        self.shown[issue.id] = len(shown) + 1
        self.explained[issue.id] = at
        self.histories[issue.id] = (at, max([moment(self.lifetime[issue.id].first), *shown]))

    def _first_seen(self, issue_id: str) -> ActivityRow:
        first = moment(self.lifetime[issue_id].first)
        return tuple(_activity_row(issue_id, "first_seen", first).values())

    def _activity(self, issue_id: str, action: Action) -> ActivityRow:
        row = _activity_row(issue_id, action.kind, action.at)
        row["actor_key"] = None if action.actor is None else self.pseudonym("user", action.actor)
        for column, key in KEPT_DATA.get(action.kind, {}).items():
            row[column] = action.data.get(key)
        row["ignore_until"] = _time(row["ignore_until"])
        if action.kind == "assigned":
            row["assignee_key"] = self.pseudonym(row["assignee_type"], action.data["assignee"])
        return tuple(row.values())

    def pseudonym(self, kind: str, identifier: object) -> str:
        """Return how a user or team is called in the warehouse."""
        return hmac.digest(self.salt, f"{kind}:{identifier}".encode(), "sha256").hex()[:32]

    def known_activities(self) -> Iterator[ActivityRow]:
        """Yield every row of `issue_activities`."""
        for rows in self.activities.values():
            yield from rows


def _is_touched(row: Row) -> bool:
    """Whether more than its first event ever happened to an issue, as far as its state shows."""
    is_fresh = row["status"] == "unresolved" and row["substatus"] in {"new", "ongoing"}
    has_moved = row["last_progressed_at"] - row["first_seen"] > timedelta(minutes=1)
    is_held = row["assignee_key"] is not None or row["priority_locked_at"] is not None
    return not is_fresh or has_moved or is_held


def _activity_row(issue_id: str, kind: str, at: datetime) -> Row:
    return dict.fromkeys(ACTIVITY_COLUMNS) | {
        "issue_id": issue_id,
        "type": kind,
        "date_created": at,
    }


def _counters(counted: Seen | None) -> Row:
    if counted is None:
        return {"count": None, "first_seen": None, "last_seen": None}
    return {
        "count": counted.count,
        "first_seen": moment(counted.first),
        "last_seen": moment(counted.last),
    }


def _kept_counters(before: Row) -> Row:
    return {name: before[name] for name in ("count", "first_seen", "last_seen")}


def _time(value: object) -> datetime | None:
    return None if value is None else datetime.fromisoformat(str(value))

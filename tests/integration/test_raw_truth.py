"""After every load the raw tables equal the ground truth as it then was."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import pytest

from dlt_sources.sentry.tables import TABLES
from include.sandbox.state import activity_feed
from include.sandbox.tallies import seen
from tests.integration.conftest import SALT, Connection
from tests.integration.truth.ledger import ACTIVITY_COLUMNS, SEARCH_LAG, STATE, Row
from tests.integration.truth.warehouse import COLUMNS, Rows, Truth

AUDIT = 50
"""Histories that every load reads again."""

STEPS: dict[str, dict[str, float]] = {
    "the first load": {},
    "26 hours later": {"hours": 26},
    "3 days later": {"days": 3},
    "30 minutes later": {"minutes": 30},
    "without clock movement": {},
    "while a merge is pending": {"days": 1, "hours": 20, "minutes": 8, "seconds": 20},
    "after the merge": {"hours": 1},
    "while a deletion is pending": {"days": 3, "hours": 22, "minutes": 52},
    "after the deletion": {"hours": 1},
}
"""How far the clock moves before each load."""


@dataclass(frozen=True)
class Step:
    """One load and what was in the warehouse after it.

    Attributes:
        at: When it ran.
        missing: By table: true rows that are not stored.
        unexpected: By table: stored rows that are not true.
        requests: How many it made, counted by the sandbox.
        before, after: `issues` by id, as the truth has them; tombstones included.
        found: Issues its search showed.
        written: By table and dlt's load id: how many stored rows that load wrote.
        unknown_activities: By live known issue: activities Sentry shows that are not stored.
        explained_at: By issue: when its activities were last read.
        lifetime: Events over its whole life by issue.
        young: Of these, those too young to be searched.
    """

    at: datetime
    missing: dict[str, Rows]
    unexpected: dict[str, Rows]
    requests: int
    before: dict[str, Row]
    after: dict[str, Row]
    found: set[str]
    written: set[tuple[str, str, int]]
    unknown_activities: dict[str, list[datetime]]
    explained_at: dict[str, datetime]
    lifetime: dict[str, int]
    young: dict[str, int]


@pytest.fixture(scope="module")
def steps(connection: Connection) -> dict[str, Step]:
    truth, taken = Truth(connection.organization, SALT), {}
    explained_at: dict[str, datetime] = {}
    for name, movement in STEPS.items():
        connection.advance(**movement)
        taken[name] = _load(connection, truth, explained_at)
    return taken


def _load(connection: Connection, truth: Truth, explained_at: dict[str, datetime]) -> Step:
    before, requests = dict(truth.ledger.issues), connection.sandbox.requests.total
    connection.load()
    at = connection.sandbox.clock.now
    truth.load(at)
    explained_at |= {issue_id: read for issue_id, (read, _) in truth.ledger.histories.items()}
    expected = truth.tables()
    stored = {table: _stored(connection, table) for table in COLUMNS}
    young = seen(connection.organization, at, at - SEARCH_LAG, at + SEARCH_LAG)
    return Step(
        at=at,
        missing={table: rows - stored[table] for table, rows in expected.items()},
        unexpected={table: stored[table] - rows for table, rows in expected.items()},
        requests=connection.sandbox.requests.total - requests,
        before=before,
        after=dict(truth.ledger.issues),
        found=truth.ledger.found,
        written=set(_written(connection)),
        unknown_activities=_unknown_activities(truth, stored["issue_activities"]),
        explained_at=dict(explained_at),
        lifetime={issue_id: one.count for issue_id, one in truth.ledger.lifetime.items()},
        young={issue_id: one.count for issue_id, one in young.items()},
    )


def _stored(connection: Connection, table: str) -> Rows:
    columns = ", ".join(f'"{name}"' for name in COLUMNS[table])
    rows = connection.rows(f"select {columns} from raw.{table}")
    assert len(rows) == len(set(rows)), f"{table} has duplicates"
    return set(rows)


def _written(connection: Connection) -> Iterator[tuple[str, str, int]]:
    for table in COLUMNS:
        query = f"select _dlt_load_id, count(*) from raw.{table} group by 1"
        yield from ((table, load_id, rows) for load_id, rows in connection.rows(query))


def _unknown_activities(truth: Truth, stored: Rows) -> dict[str, list[datetime]]:
    """Times of activities that Sentry shows of a live known issue and that are not stored."""
    places = [ACTIVITY_COLUMNS.index(name) for name in ("issue_id", "type", "date_created")]
    known = {tuple(row[place] for place in places) for row in stored}
    unknown = {}
    for issue_id, row in truth.ledger.issues.items():
        if row["tombstone"] is None and not row["status"].startswith("pending"):
            feed = activity_feed(truth.organization.issues_by_id[issue_id], truth.as_of)
            times = [one.at for one in feed if (issue_id, one.kind, one.at) not in known]
            if times:
                unknown[issue_id] = times
    return unknown


def _is_live(row: Row) -> bool:
    return row["tombstone"] is None and not row["status"].startswith("pending")


@pytest.mark.parametrize("table", COLUMNS)
@pytest.mark.parametrize("step", STEPS)
def test_a_table_equals_the_truth(steps: dict[str, Step], step: str, table: str) -> None:
    assert not steps[step].missing[table]
    assert not steps[step].unexpected[table]


def test_every_column_but_the_hash_of_an_activity_is_compared() -> None:
    for table, columns in COLUMNS.items():
        assert set(TABLES[table].schema.names) - set(columns) <= {"id"}


@pytest.mark.parametrize("step", STEPS)
def test_an_activity_is_missing_only_while_the_state_stays_the_same(
    steps: dict[str, Step], step: str
) -> None:
    """The loader's completeness.

    Activities are read when an issue is new and touched, when one of `STATE` changed since the load
    before, and in turn by the audit. What happened later than that reading and left all of `STATE`
    as it was (a note, a change taken back before the next load) is missing until then, and so is
    what happened to an issue before it was first seen untouched; nothing else ever is.
    """
    taken = steps[step]
    for issue_id, times in taken.unknown_activities.items():
        read_at = taken.explained_at.get(issue_id)
        assert read_at is None or min(times) > read_at
        assert _states_since(steps, issue_id, taken) == 1


def _states_since(steps: dict[str, Step], issue_id: str, until: Step) -> int:
    """How many states the loads saw from the issue's last explanation to a step."""
    since = until.explained_at.get(issue_id)
    rows = [
        one.after[issue_id]
        for one in steps.values()
        if one.at <= until.at and (since is None or one.at >= since) and issue_id in one.after
    ]
    return len({tuple(row[name] for name in STATE) for row in rows})


def test_some_activities_wait_for_the_next_change(steps: dict[str, Step]) -> None:
    assert any(step.unknown_activities for step in steps.values())


@pytest.mark.parametrize("columns", [("status",), ("assignee_key", "assignee_type")])
def test_a_change_of_an_issue_without_new_events_is_noticed_by_the_next_load(
    steps: dict[str, Step], columns: tuple[str, ...]
) -> None:
    """The cases are in the ground truth; that the rows show them is the equality above."""
    noticed = [
        issue_id
        for step in steps.values()
        for issue_id, row in step.after.items()
        if issue_id in step.before and issue_id not in step.found and _is_live(row)
        if any(step.before[issue_id][name] != row[name] for name in columns)
        if step.before[issue_id]["last_seen"] == row["last_seen"]
    ]
    assert len(noticed) >= 5
    assert not any(step.missing["issues"] for step in steps.values())


@pytest.mark.parametrize("step", STEPS)
def test_counters_are_of_the_whole_life_up_to_what_can_be_searched(
    steps: dict[str, Step], step: str
) -> None:
    """An issue that the search does not show keeps its counters: they cannot have changed.

    Events of the last five minutes wait for a load that finds the issue again.
    """
    taken = steps[step]
    for issue_id, row in taken.after.items():
        if _is_live(row):
            count = taken.lifetime[issue_id]
            waiting = taken.young.get(issue_id, 0)
            assert count - waiting <= row["count"] <= count


def test_a_load_without_clock_movement_writes_nothing_but_its_own_row(
    steps: dict[str, Step], connection: Connection
) -> None:
    before, after = steps["30 minutes later"], steps["without clock movement"]
    assert after.written == before.written
    assert connection.rows("select count(*) from raw.load_runs") == [(len(STEPS),)]


def test_a_load_without_clock_movement_makes_few_requests(
    steps: dict[str, Step], connection: Connection
) -> None:
    taken = steps["without clock movement"]
    batches = math.ceil(len(taken.after) / 100)
    assert taken.requests <= batches + len(connection.organization.projects) + 8 + AUDIT


def test_a_merged_issue_names_its_survivor(steps: dict[str, Step]) -> None:
    pending, merged = steps["while a merge is pending"], steps["after the merge"]
    gone = [row for row in merged.after.values() if row["tombstone"] == "merged"]
    assert gone
    for row in gone:
        assert pending.after[row["id"]]["status"] == "pending_merge"
        assert row["merged_into"] in merged.after


def test_a_deleted_issue_stays_as_a_tombstone(steps: dict[str, Step]) -> None:
    pending, deleted = steps["while a deletion is pending"], steps["after the deletion"]
    gone = [row for row in deleted.after.values() if row["tombstone"] == "deleted"]
    assert gone
    assert all(pending.after[row["id"]]["status"] == "pending_deletion" for row in gone)


def test_feedback_is_never_stored(steps: dict[str, Step], connection: Connection) -> None:
    assert any(issue.category == "feedback" for issue in connection.organization.issues)
    assert connection.rows("select 1 from raw.issues where issue_category = 'feedback'") == []

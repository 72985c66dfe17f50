"""What the warehouse holds, compared with what was read, a hundred issues at once."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from dlt_sources.sentry.known import KnownIssues
from dlt_sources.sentry.tables import TABLES, IssueHistoryRow, IssueRow

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)


def issue(number: int, **changes) -> IssueRow:
    values = dict.fromkeys(IssueRow.__struct_fields__)
    values |= {"id": str(number), "project_id": "1", "status": "unresolved", "count": number}
    values |= {"first_seen": NOW - timedelta(days=number), "observed_at": NOW}
    return IssueRow(**(values | changes))


@dataclass
class Stored:
    """A warehouse: rows of loads that ended well, and of those that were cut off."""

    finished: dict[str, list] = field(default_factory=dict)
    cut_off: dict[str, list] = field(default_factory=dict)

    def read(self, table, where, *, finished):
        assert not where
        rows = (self.finished if finished else self.cut_off).get(table, [])
        yield from TABLES[table].to_arrow(rows).to_batches()

    def query(self, sql):
        raise AssertionError(sql)


def known(*rows: IssueRow, cut_off=(), histories=()) -> KnownIssues:
    finished = {"issues": list(rows), "issue_histories": list(histories)}
    return KnownIssues(Stored(finished, {"issues": list(cut_off)}))


def history(number: int, read_at: datetime) -> IssueHistoryRow:
    return IssueHistoryRow(str(number), read_at, 1, is_cut_off=False, last_activity_at=read_at)


def test_what_says_nothing_new_is_unchanged_whenever_it_was_read():
    issues = known(issue(1), issue(2, assignee_key="a"), issue(3))
    again = [replace(issue(n), observed_at=NOW + timedelta(hours=1)) for n in (1, 3)]
    assert issues.unchanged([*again, issue(2, assignee_key="a")]) == {"1", "2", "3"}
    assert issues.unchanged([]) == set()


@pytest.mark.parametrize(
    "change",
    [
        {"status": "resolved"},
        {"assignee_key": "a"},
        {"count": None},
        {"count": 2},
        {"first_seen": NOW},
        {"in_next_release": False},
        {"tombstone": "deleted"},
    ],
    ids=str,
)
def test_a_change_in_any_column_is_one_of_its_row_alone(change):
    issues = known(issue(1), issue(7), issue(3))
    assert issues.unchanged([issue(3), issue(7, **change), issue(1)]) == {"1", "3"}


def test_a_number_out_of_range_is_left_to_the_checks():
    assert known(issue(1)).unchanged([issue(1, count=2**63)]) == set()


def test_what_was_not_read_says_nothing():
    issues = known(issue(1), issue(2), issue(3))
    none_of_them = [issue(n, count=UNSET, first_seen=UNSET) for n in (1, 2)]
    assert issues.unchanged([*none_of_them, issue(3)]) == {"1", "2", "3"}
    assert issues.unchanged([issue(1, count=UNSET), issue(2, count=9)]) == {"1"}


def test_unknown_issues_and_those_of_a_load_that_was_cut_off_are_news():
    issues = known(issue(1), cut_off=[issue(2)])
    assert issues.unchanged([issue(1), issue(2), issue(3)]) == {"1"}
    assert set(issues.stored(["1", "2", "3"])) == {"1", "2"}
    assert set(issues.settled(["1", "2", "3"])) == {"1"}


def test_an_issue_that_returned_is_news():
    assert known(issue(1, tombstone="out_of_reach")).unchanged([issue(1)]) == set()


def test_present_are_those_that_may_be_read_by_their_ids():
    issues = known(
        issue(1),
        issue(2, tombstone="deleted"),
        issue(3, tombstone="out_of_reach"),
        issue(4, tombstone="out_of_reach", project_id="2"),
        issue(5, project_id="2"),
        cut_off=[issue(6)],
        histories=[history(1, NOW), history(2, NOW)],
    )
    found = issues.present(["1"]).to_pylist()
    assert [row["id"] for row in found] == ["1", "3", "5", "6"]
    assert [row["is_cut_off"] for row in found] == [False, False, False, True]
    assert [row["read_at"] for row in found] == [NOW, None, None, None]
    assert (issues.live, issues.explained) == (3, 1)
    assert issues.without_history({"1", "2", "9"}) == 1
    assert issues.without_history(set()) == 0


def test_never_read_histories_come_first_then_the_longest_unread():
    read = [history(n, NOW - timedelta(hours=n)) for n in (1, 2, 3)]
    issues = known(*(issue(n) for n in (5, 1, 3, 2, 4)), histories=read)
    present = issues.present(["1"])
    assert issues.longest_unread(present, 9, set()) == ["4", "5", "3", "2", "1"]
    assert issues.longest_unread(present, 2, {"4"}) == ["5", "3"]


def test_nothing_is_known_at_first():
    issues = known()
    assert len(issues) == 0
    assert issues.present(["1"]).num_rows == 0
    assert issues.unchanged([issue(1)]) == set()
    assert issues.longest_unread(issues.present([]), 5, set()) == []

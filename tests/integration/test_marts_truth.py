"""Every row and column of every mart equals an independent computation from the ground truth.

The computation (`tests.integration.truth`) knows the marts' descriptions, not their SQL.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime

import pytest

from tests.integration.conftest import SALT, Connection
from tests.integration.truth.comparison import differences
from tests.integration.truth.facts import facts
from tests.integration.truth.ledger import Row
from tests.integration.truth.marts import MARTS
from tests.integration.truth.warehouse import Truth

RUNS: dict[str, tuple[dict[str, float], ...]] = {
    "first": ({},),
    "two days later": ({"days": 2},),
    "after a merge and a deletion": (
        {"days": 3, "hours": 22, "minutes": 38, "seconds": 20},
        {"days": 3, "hours": 23, "minutes": 52},
        {"hours": 1},
    ),
}
"""How far the clock moves before each of a run's loads; then the marts are built.

The last run's loads see a pending merge, a pending deletion, and both done.
"""


@dataclass(frozen=True)
class Run:
    """What the marts held after a build, and how that differs from the truth."""

    rows: dict[str, list[Row]]
    differences: dict[str, list[str]]


@pytest.fixture(scope="module")
def runs(connection: Connection) -> dict[str, Run]:
    truth, taken = Truth(connection.organization, SALT), {}
    for name, movements in RUNS.items():
        for movement in movements:
            connection.advance(**movement)
            connection.load()
            truth.load(connection.sandbox.clock.now)
        connection.build()
        taken[name] = _compared(connection, truth)
    return taken


def _compared(connection: Connection, truth: Truth) -> Run:
    known = facts(truth, _reported(connection, "load_coverage"), _reported(connection, "load_runs"))
    rows = {mart: _read(connection, mart) for mart in MARTS}
    return Run(
        rows,
        {mart: differences(make(known), rows[mart], key) for mart, (key, make) in MARTS.items()},
    )


def _reported(connection: Connection, table: str) -> list[Row]:
    """What the loads tell of themselves is given, not computed again."""
    return _read(connection, table, "raw")


def _read(connection: Connection, table: str, schema: str = "marts") -> list[Row]:
    with connection.warehouse.open_for_reading() as database:
        database.execute("set timezone = 'UTC'")
        found = database.execute(f"select * from {schema}.{table}")
        columns = [column[0] for column in found.description or ()]
        return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]


@pytest.mark.parametrize("mart", MARTS)
@pytest.mark.parametrize("run", RUNS)
def test_a_mart_equals_the_truth(runs: dict[str, Run], run: str, mart: str) -> None:
    found = runs[run].differences[mart]
    assert not found, "\n".join([f"{len(found)} differences", *found[:20]])


@pytest.mark.parametrize("mart", MARTS)
@pytest.mark.parametrize("run", RUNS)
def test_a_row_has_a_key_of_its_own(runs: dict[str, Run], run: str, mart: str) -> None:
    rows, key = runs[run].rows[mart], MARTS[mart][0]
    assert rows
    assert len({row[key] for row in rows}) == len(rows)


def test_every_mart_is_compared(runs: dict[str, Run], connection: Connection) -> None:
    tables = connection.rows(
        "select table_name from information_schema.tables where table_schema = 'marts'"
    )
    assert {name for (name,) in tables} == set(MARTS)


@pytest.mark.parametrize("mart", MARTS)
def test_two_days_change_a_mart_beyond_its_date(runs: dict[str, Run], mart: str) -> None:
    first, second = (_undated(runs[run].rows[mart]) for run in ("first", "two days later"))
    assert first != second


def _undated(rows: list[Row]) -> set[str]:
    return {repr({name: row[name] for name in row if name != "as_of"}) for row in rows}


@pytest.mark.parametrize(
    ("mart", "column", "values"),
    [
        (
            "resolution_time",
            "close_kind",
            {
                None,
                "manual",
                "in_release",
                "in_commit",
                "in_pull_request",
                "by_age",
                "archived",
                "merged",
                "deleted",
            },
        ),
        (
            "resolution_time",
            "opened_by",
            {"first_seen", "regression", "reopened", "escalated", "archive_expired"},
        ),
        ("resolution_time", "is_close_inferred", {True, False}),
        ("release_stability", "attribution_method", {"volume", "mixed", "window"}),
        ("release_stability", "released_at_source", {"released", "deployed", "created"}),
        ("release_stability", "release_state", {"mature", "immature"}),
        ("release_stability", "has_failed", {True, False, None}),
        ("release_stability", "was_hotfixed", {True, False, None}),
        ("error_frequency", "is_spike", {True, False, None}),
    ],
)
def test_the_truth_has_every_kind_of_case(
    runs: dict[str, Run], mart: str, column: str, values: set[object]
) -> None:
    """So that equality says something: each of these values is met at least once."""
    assert values <= {row[column] for run in runs.values() for row in run.rows[mart]}


@pytest.mark.parametrize(
    "column", ["handoff_count", "ping_pong_count", "team_assignment_count", "auto_assignment_count"]
)
def test_the_truth_has_every_kind_of_assignment(runs: dict[str, Run], column: str) -> None:
    rows = runs["after a merge and a deletion"].rows["assignment_pattern"]
    assert sum(row[column] for row in rows) > 5


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("issue_count", 4),
        ("issue_count", 3.0),
        ("share", 0.500000002),
        ("share", None),
        ("is_open", 1),
        ("first_day", date(2026, 11, 3)),
        ("opened_at", datetime(2026, 11, 2, 9, 0, 0, 1)),  # noqa: DTZ001 - marts have no zone
        ("another", "column"),
    ],
)
def test_the_comparison_sees_a_difference(column: str, value: object) -> None:
    row: Row = {"id": "a", "issue_count": 3, "share": 0.5, "is_open": True}
    row |= {"first_day": date(2026, 11, 2), "opened_at": datetime(2026, 11, 2, 9, tzinfo=UTC)}
    stored = row | {"opened_at": row["opened_at"].replace(tzinfo=None)}
    assert not differences([row], [stored], "id")
    assert len(differences([row], [stored | {column: value}], "id")) == 1
    assert len(differences([row], [], "id")) == len(differences([], [row], "id")) == 1

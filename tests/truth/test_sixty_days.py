"""After sixty days of loads, good and bad, the warehouse holds the truth: `docs/loading.md`.

Run over several organizations by `make test-truth`. The completeness statement in the docs is what
is checked here, sentence by sentence.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from include.sandbox.generate import DEFAULT_NOW, generate
from include.sandbox.server import running
from include.sandbox.state import activity_feed, issue_state
from include.sandbox.tallies import release_counts, seen
from tests.integration.conftest import SALT, Connection
from tests.integration.truth import structure
from tests.integration.truth.ledger import ACTIVITY_COLUMNS, Ledger
from tests.integration.truth.moments import midnight
from tests.integration.truth.volumes import error_volume, reach
from tests.integration.truth.warehouse import COLUMNS
from tests.truth.simulation import AUDIT, LOADS, Watched, watch

SEEDS = (11, 12, 13)
ISSUES = 400
REACH, SETTLING, OVERLAP = timedelta(days=90), timedelta(minutes=5), timedelta(hours=6)

pytestmark = [pytest.mark.truth, pytest.mark.timeout(3600)]


@dataclass(frozen=True)
class Watching:
    """An organization that was watched, and what is known of it now."""

    connection: Connection
    watched: Watched
    at: datetime

    def stored(self, table: str, columns: tuple[str, ...] | None = None) -> set[tuple]:
        names = ", ".join(f'"{name}"' for name in columns or COLUMNS[table])
        rows = self.connection.rows(f"select {names} from raw.{table}")
        assert len(rows) == len(set(rows)), f"{table} has duplicates"
        return set(rows)


@pytest.fixture(scope="module", params=SEEDS)
def watching(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Watching]:
    organization = generate(seed=request.param, now=DEFAULT_NOW, issues=ISSUES)
    with running(organization) as sandbox:
        connection = Connection(organization, sandbox, tmp_path_factory.mktemp("truth"))
        watched = watch(replace(connection, patience=3), request.param)
        yield Watching(connection, watched, sandbox.clock.now)


def test_there_were_enough_loads_and_some_of_them_failed(watching: Watching) -> None:
    watched = watching.watched
    assert sum(watched.disturbed.values()) == LOADS + 2
    assert len(watched.loads) >= 0.75 * LOADS
    assert watched.failed["LoadFailed"] >= 2
    assert watched.failed.total() >= 5
    assert len(watched.disturbed) >= 12


@pytest.mark.parametrize(
    "table", ["organizations", "projects", "environments", "releases", "release_projects"]
)
def test_structure_and_releases_are_true(watching: Watching, table: str) -> None:
    organization = watching.connection.organization
    arguments = () if table in {"organizations", "environments"} else (watching.at,)
    assert watching.stored(table) == getattr(structure, table)(organization, *arguments)


def test_every_deploy_that_a_load_could_see_is_there(watching: Watching) -> None:
    """A load that failed may have committed what it had read before."""

    def shown_at(moments: list[datetime]) -> set[tuple]:
        found = {}
        for at in moments:
            found |= structure.shown_deploys(watching.connection.organization, at)
        return {
            (one.id, release_id, one.environment, one.started_at, one.finished_at)
            for release_id, one in found.values()
        }

    def without_start(rows: set[tuple]) -> set[tuple]:
        return {(*row[:3], row[4]) for row in rows}

    stored, possible = watching.stored("deploys"), shown_at(watching.watched.begun_loads)
    assert without_start(shown_at(watching.watched.loads)) <= without_start(stored)
    assert without_start(stored) <= without_start(possible)
    # A field that could not be read when a deploy came is empty: a deploy is read once.
    differing = stored - possible
    assert all(row[3] is None for row in differing)
    assert len(differing) <= watching.watched.disturbed["drift"]


def test_the_known_issues_are_all_that_had_events_in_reach(watching: Watching) -> None:
    """Those that went before a load could see them are not known, and need not be."""
    organization, at = watching.connection.organization, watching.at
    hits = seen(organization, at, watching.watched.begun - REACH, at - SETTLING)
    expected = {
        issue.id
        for issue in organization.issues
        if issue.id in hits
        and issue.category != "feedback"
        and issue_state(issue, at).existence == "present"
    }
    live = {row[0] for row in watching.connection.rows(
        "select id from raw.issues where tombstone is null and status not like 'pending%'"
    )}  # fmt: skip
    assert live == expected


def test_every_issue_has_its_true_state(watching: Watching) -> None:
    organization, at = watching.connection.organization, watching.at
    ledger = Ledger(organization, SALT)
    wrong = []
    names = [name for name in COLUMNS["issues"] if name not in {"observed_at", "merged_into"}]
    for values in watching.stored("issues", (*names, "merged_into")):
        row = dict(zip((*names, "merged_into"), values, strict=True))
        issue = organization.issues_by_id[row["id"]]
        state = issue_state(issue, at)
        if state.existence in {"merged", "deleted"}:
            if (row["tombstone"], row["merged_into"]) != (state.existence, state.merged_into):
                wrong.append((row["id"], state.existence))
            continue
        expected = ledger._row(issue, state, at)
        ignoring = {"observed_at"}
        wrong += [
            (row["id"], name, row[name], expected[name])
            for name in expected
            if name not in ignoring and row[name] != expected[name]
        ]
    assert wrong == []


def test_counters_are_those_of_the_whole_life(watching: Watching) -> None:
    """Up to what can be searched; those of the last five minutes wait for the next load."""
    organization, at = watching.connection.organization, watching.at
    whole = seen(organization, at, organization.start, organization.horizon)
    young = seen(organization, at, at - SETTLING, organization.horizon)
    wrong = []
    for issue_id, count, first, last in watching.stored(
        "issues", ("id", "count", "first_seen", "last_seen")
    ):
        if issue_id in whole and issue_state(organization.issues_by_id[issue_id], at).existence == (
            "present"
        ):
            waiting = young[issue_id].count if issue_id in young else 0
            truth = whole[issue_id]
            is_counted = truth.count - waiting <= count <= truth.count
            if not is_counted or int(first.timestamp()) != truth.first:
                wrong.append((issue_id, count, truth.count))
            if not waiting and int(last.timestamp()) != truth.last:
                wrong.append((issue_id, last, truth.last))
    assert wrong == []


def audited_by(watching: Watching) -> datetime:
    """When the audit period began that ended with the last load: all histories were read since."""
    [(present,)] = watching.connection.rows(
        "select count(*) from raw.issues where tombstone is null"
    )
    rounds = math.ceil(present / (AUDIT * 0.2)) if present else 1
    loads = watching.watched.loads
    return loads[-min(rounds + 1, len(loads))]


def test_every_transition_is_there_with_its_exact_time(watching: Watching) -> None:
    """Of all that Sentry still shows: what is older than the audit period."""
    organization, at = watching.connection.organization, watching.at
    ledger, since = Ledger(organization, SALT), audited_by(watching)
    places = [ACTIVITY_COLUMNS.index(name) for name in ("issue_id", "type", "date_created")]
    columns = ("issue_id", "type", "date_created")
    stored = watching.stored("issue_activities", columns)
    missing, checked = [], 0
    for (issue_id,) in watching.connection.rows(
        "select id from raw.issues where tombstone is null"
    ):
        issue = organization.issues_by_id[issue_id]
        for action in activity_feed(issue, at):
            if action.at < since:
                checked += 1
                row = ledger._activity(issue_id, action)
                if tuple(row[place] for place in places) not in stored:
                    missing.append((issue_id, action.kind, action.at))
    assert checked > 500
    assert missing == []


def test_nothing_is_there_that_did_not_happen(watching: Watching) -> None:
    organization, ledger = (
        watching.connection.organization,
        Ledger(watching.connection.organization, SALT),
    )
    happened = {
        ledger._activity(issue.id, action)
        for issue in organization.issues
        for action in issue.actions
    }
    ignoring = {"version", "in_next_release"}  # filled in by Sentry when the release appears
    kept = [place for place, name in enumerate(ACTIVITY_COLUMNS) if name not in ignoring]

    def essence(rows):
        return {tuple(row[place] for place in kept) for row in rows}

    stored = {row for row in watching.stored("issue_activities") if row[1] != "first_seen"}
    invented = {row for row in essence(stored) if "ping" not in row[1]} - essence(happened)
    assert invented == set()


def test_hourly_volumes_are_true(watching: Watching) -> None:
    organization = watching.connection.organization
    expected = error_volume(organization, reach(watching.watched.begun), watching.at)
    assert watching.stored("project_error_volume") == {
        (*key, quantity) for key, quantity in expected.items()
    }


def test_daily_volumes_are_true(watching: Watching) -> None:
    """By day, project and release; which issue holds the events of a merged one may have changed
    since a day became final, and a deleted issue's events are gone from later readings."""
    organization, at = watching.connection.organization, watching.at
    rows = watching.connection.rows(
        "select date, project_id, release, sum(count) from raw.issue_release_volume group by all"
    )
    stored = {(day, project, version): int(count) for day, project, version, count in rows}
    deleted = [i for i in organization.issues if issue_state(i, at).existence == "deleted"]
    touched_by_deletion = {(issue.project_id) for issue in deleted}
    wrong = []
    day = reach(watching.watched.begun)
    project_of = {issue.id: issue.project_id for issue in organization.issues}
    while day <= at.date():
        counts: dict[tuple, int] = {}
        start = midnight(day)
        for (issue_id, version), count in release_counts(
            organization, at, start, start + timedelta(days=1)
        ).items():
            key = (day, project_of[issue_id], version)
            counts[key] = counts.get(key, 0) + count
        for key, count in counts.items():
            is_more = stored.get(key, 0) > count and key[1] in touched_by_deletion
            if stored.get(key) != count and not is_more:
                wrong.append((key, stored.get(key), count))
        day += timedelta(days=1)
    assert wrong == []


def test_every_load_reported_itself(watching: Watching) -> None:
    rows = watching.connection.rows(
        "select as_of, is_complete, requests, issues_read from raw.load_runs order by 1"
    )
    complete = [row for row in rows if row[1]]
    assert len(complete) >= len(watching.watched.loads)
    assert {row[0] for row in complete} >= {
        at.replace(microsecond=0) for at in watching.watched.loads
    }
    assert all(row[2] > 0 and row[3] > 0 for row in complete)
    assert watching.connection.rows(
        "select count(*) from raw.load_coverage where subject = 'project' and status != 'complete'"
    ) == [(0,)]

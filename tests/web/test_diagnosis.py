"""Every answer to "I don't see any data", from made-up observations."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from include.connections.registry import Connection
from include.connections.reports import Coverage, LoadReport, Reading, Step
from include.connections.states import Reason, State
from include.web.airflow import Health, LoadDag, Run, RunState
from include.web.cards import Tone, card
from include.web.diagnosis import Finding, Mark, Place, Seen, diagnose

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
WELL = Health(scheduler=True, dag_processor=True, has_dag_file=True)
READY = LoadDag(is_paused=False)


def before(**units: float) -> datetime:
    return NOW - timedelta(**units)


def seen(
    report: LoadReport | None = None,
    dag: LoadDag | None = READY,
    health: Health = WELL,
    **about: object,
) -> Seen:
    connection = Connection(
        id="c0123456789abcdef",
        base_url="https://sentry.io",
        organization_id="1",
        organization_slug="lumen-goods",
        state=State.CONNECTED,
        reason=None,
        changed_at=before(hours=3),
        created_at=before(hours=3),
        created_by="admin",
        schedule="hourly",
        purge_after=None,
    )
    return Seen(replace(connection, **about), report or LoadReport(), dag, health, NOW)


DONE = LoadReport(
    began_at=before(minutes=9),
    ended_at=before(minutes=5),
    loaded_at=before(minutes=7),
    published_at=before(minutes=5),
    first_published_at=before(hours=2),
    published={"resolution_time": 1200, "error_frequency": 34},
    coverage=Coverage(projects=6, hidden=0, is_complete=True, since="2026-08-28"),
)


def report(**changes: object) -> LoadReport:
    made = LoadReport(**{name: getattr(DONE, name) for name in DONE.__struct_fields__})
    for name, value in changes.items():
        setattr(made, name, value)
    return made


RUNNING = LoadDag(is_paused=False, active=Run(RunState.RUNNING, before(minutes=1)))

CASES = {
    "all is well": (seen(report()), Mark.GOOD, "Published 5 minutes ago: 1,234 rows in 2 marts"),
    "where to look": (seen(report()), Mark.GOOD, "the connection_id c0123456789abcdef"),
    "no scheduler": (
        seen(report(), health=replace(WELL, scheduler=False)),
        Mark.BAD,
        "scheduler does not answer",
    ),
    "no DAG processor": (
        seen(report(), health=replace(WELL, dag_processor=False)),
        Mark.BAD,
        "DAG processor does not answer",
    ),
    "broken DAG file": (
        seen(dag=None, health=replace(WELL, has_dag_file=False)),
        Mark.BAD,
        "cannot read the file",
    ),
    "DAG about to come": (
        seen(dag=None, changed_at=before(seconds=40)),
        Mark.WAIT,
        "about to make this connection's DAG",
    ),
    "DAG does not come": (
        seen(dag=None, changed_at=before(minutes=12)),
        Mark.BAD,
        "has not made this connection's DAG within 12 minutes",
    ),
    "paused": (seen(report(), dag=LoadDag(is_paused=True)), Mark.BAD, "is paused in Airflow"),
    "queued": (
        seen(dag=LoadDag(is_paused=False, active=Run(RunState.QUEUED, before(seconds=20)))),
        Mark.WAIT,
        "waits for its turn",
    ),
    "queued for long": (
        seen(dag=LoadDag(is_paused=False, active=Run(RunState.QUEUED, before(minutes=20)))),
        Mark.BAD,
        "waiting for its turn for 20 minutes",
    ),
    "running": (
        seen(LoadReport(began_at=before(minutes=1), step=Step.BUILD), dag=RUNNING),
        Mark.WAIT,
        "A load is under way: building the marts, for 1 minute so far",
    ),
    "just begun": (seen(dag=RUNNING), Mark.WAIT, "under way: just beginning"),
    "not begun": (seen(), Mark.WAIT, "has not begun yet"),
    "failed with a sentence": (
        seen(report(failed="Sentry is down. Wait.")),
        Mark.BAD,
        "The last load failed. Sentry is down. Wait.",
    ),
    "failed and repeated": (
        seen(report(failed="Sentry is down. Wait."), dag=RUNNING),
        Mark.NOTE,
        "Airflow repeats it. Sentry is down. Wait.",
    ),
    "failed without a word": (
        seen(dag=LoadDag(is_paused=False, last=Run(RunState.FAILED, before(minutes=30)))),
        Mark.BAD,
        "The last run failed 30 minutes ago without saying why",
    ),
    "no projects": (
        seen(report(coverage=Coverage(0, 0, is_complete=True), published={})),
        Mark.BAD,
        "sees no project",
    ),
    "one project hidden": (
        seen(report(coverage=Coverage(6, 1, is_complete=True))),
        Mark.NOTE,
        "1 project is hidden",
    ),
    "projects hidden": (
        seen(report(coverage=Coverage(6, 3, is_complete=True))),
        Mark.NOTE,
        "3 projects are hidden",
    ),
    "history still loading": (
        seen(report(coverage=Coverage(6, 0, is_complete=False, since="2026-10-02"))),
        Mark.WAIT,
        "Complete since 2026-10-02 so far.",
    ),
    "nothing in Sentry": (
        seen(report(published={"resolution_time": 0})),
        Mark.NOTE,
        "Sentry has no issues and no errors of the last 90 days",
    ),
    "loaded, not published": (
        seen(report(published_at=None, first_published_at=None)),
        Mark.BAD,
        "its marts were not published",
    ),
    "warnings": (seen(report(warnings={"odd": 2, "odder": 1})), Mark.NOTE, "met 3 oddities"),
    "connecting": (
        seen(state=State.CONNECTING, organization_slug=None),
        Mark.BAD,
        "the organization is still to be chosen",
    ),
    "disconnected": (
        seen(report(), state=State.DISCONNECTED, reason=Reason.REVOKED),
        Mark.BAD,
        "Loads have stopped. Access was revoked in Sentry.",
    ),
    "disconnected, still readable": (
        seen(report(), state=State.DISCONNECTED, reason=Reason.REVOKED),
        Mark.NOTE,
        "can still be read; it was published last 5 minutes ago",
    ),
    "disconnecting": (
        seen(report(), state=State.DISCONNECTING),
        Mark.BAD,
        "everything that was collected is being deleted",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_it_is_found(name):
    what, mark, words = CASES[name]
    found = diagnose(what)
    assert any(one.mark is mark and words in one.text for one in found), found


def test_nothing_else_is_said_where_all_is_well():
    assert [one.mark for one in diagnose(seen(report()))] == [Mark.GOOD]


@pytest.mark.parametrize("name", CASES)
def test_it_is_said_in_sentences(name):
    for one in diagnose(CASES[name][0]):
        assert not one.text[0].islower()
        assert one.text.endswith(".")
        assert not re.search(r"\bNone\b(?! of them)", one.text)


def test_every_reason_has_an_answer():
    for reason in Reason:
        (first, *_) = diagnose(seen(state=State.DISCONNECTED, reason=reason))
        assert "econnect" in first.text


def test_where_to_go_on():
    (finding,) = diagnose(seen(LoadReport(failed="It failed."), dag=RUNNING))[:1]
    assert finding == Finding(Mark.NOTE, finding.text, Place.RUNS)


class TestSteps:
    """A killed run leaves its step behind; Airflow knows better."""

    STUCK = LoadReport(began_at=before(minutes=10), step=Step.LOAD)

    def test_a_run_under_way(self):
        assert seen(self.STUCK, dag=RUNNING).step is Step.LOAD

    def test_a_run_that_airflow_knows_to_be_over(self):
        over = LoadDag(is_paused=False, last=Run(RunState.FAILED, before(minutes=2)))
        assert seen(self.STUCK, dag=over).step is None
        assert not seen(self.STUCK, dag=over).is_running

    def test_an_earlier_run_says_nothing(self):
        earlier = LoadDag(is_paused=False, last=Run(RunState.SUCCESS, before(hours=1)))
        assert seen(self.STUCK, dag=earlier).is_running

    def test_a_load_without_airflow(self):
        assert seen(self.STUCK, dag=None).step is Step.LOAD


HEADLINES = {
    "Connected – first load starts in a moment": seen(
        dag=None, changed_at=before(seconds=10), created_at=before(seconds=10)
    ),
    "Connected – first load waits for its turn": seen(
        dag=LoadDag(is_paused=False, active=Run(RunState.QUEUED, before(seconds=5)))
    ),
    "Connected – first load running": seen(dag=RUNNING),
    "Connected – first load running: reading from Sentry": seen(
        LoadReport(began_at=before(minutes=1), step=Step.LOAD, readings=[Reading("a", 1)]),
        dag=RUNNING,
    ),
    "Connected – load running: publishing the marts": seen(
        report(step=Step.PUBLISH, began_at=before(seconds=30)), dag=RUNNING
    ),
    "Connected – data is arriving": seen(report()),
    "Connected – the last load failed": seen(report(failed="No.")),
    "Connected – paused in Airflow": seen(report(), dag=LoadDag(is_paused=True)),
    "Connected – no data yet": seen(),
    "Disconnected – loads have stopped": seen(state=State.DISCONNECTED, reason=Reason.REVOKED),
    "Disconnecting – everything that was collected is being deleted": seen(
        state=State.DISCONNECTING
    ),
    "Almost connected – choose an organization": seen(state=State.CONNECTING),
}


@pytest.mark.parametrize("headline", HEADLINES)
def test_headlines(headline):
    assert card(HEADLINES[headline], []).headline == headline


def test_tones():
    tones = {state: card(seen(state=state), []).tone for state in State}
    assert tones == {
        State.CONNECTING: Tone.WAIT,
        State.CONNECTED: Tone.GOOD,
        State.DISCONNECTED: Tone.BAD,
        State.DISCONNECTING: Tone.QUIET,
        State.PURGED: Tone.QUIET,
    }


def test_a_figure_of_a_card():
    one = card(seen(report(changes={"new": 2, "status": 1}, rows={"issues": 3})), [])
    assert (one.changed, one.written, one.published) == (3, 3, 1234)
    assert [line.name for line in one.marts] == ["resolution_time", "error_frequency"]
    assert one.first_data == "1 hour"
    assert one.next_load is not None
    assert timedelta() < one.next_load - NOW <= timedelta(hours=1)
    assert card(seen(dag=LoadDag(is_paused=True)), []).next_load is None
    assert card(seen(state=State.DISCONNECTED), []).next_load is None

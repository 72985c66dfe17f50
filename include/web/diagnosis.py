"""Answers to "I don't see any data", from what is seen right now. Pure functions."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from include.connections.registry import Connection
from include.connections.reports import LoadReport, Step
from include.connections.states import SENTENCES, State
from include.web.airflow import Health, LoadDag, RunState
from include.web.times import counted, relative, span, stamp

APPEARS_WITHIN = timedelta(minutes=2)
"""The DAG of a new connection is there by then, unless something is wrong."""

QUEUED_LONG = timedelta(minutes=5)
"""A run that waits longer has no slot, or no scheduler."""

STEPS = {
    Step.LOAD: "reading from Sentry",
    Step.BUILD: "building the marts",
    Step.PUBLISH: "publishing the marts",
}
"""What a run is doing, for people."""


class Mark(StrEnum):
    """What a finding means for the data: it is there, it will come, or somebody has to act."""

    GOOD = "good"
    WAIT = "wait"
    NOTE = "note"
    BAD = "bad"


class Place(StrEnum):
    """Where to go on from a finding."""

    DAG = "dag"
    RUNS = "runs"
    DAGS = "dags"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is seen.

    Attributes:
        mark: What it means.
        text: What it is, and what to do.
        place: Where to do it in Airflow, if it is there.
    """

    mark: Mark
    text: str
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What is seen of a connection at one moment.

    Attributes:
        connection: From the registry.
        report: What its loads wrote down.
        dag: Its DAG in Airflow; None if there is none (yet).
        health: Whether Airflow's parts work.
        now: The moment.
    """

    connection: Connection
    report: LoadReport
    dag: LoadDag | None
    health: Health
    now: datetime

    @property
    def step(self) -> Step | None:
        """What the run under way is doing; None if none is under way.

        A run whose process was killed leaves its step in the report; then Airflow knows that the
        run ended after that.
        """
        report = self.report
        if report.step is None or report.began_at is None:
            return None
        is_over = (
            self.dag is not None
            and self.dag.active is None
            and self.dag.last is not None
            and self.dag.last.since >= report.began_at
        )
        return None if is_over else report.step

    @property
    def is_running(self) -> bool:
        """Whether a load is under way, or waits for its turn."""
        return self.step is not None or (self.dag is not None and self.dag.active is not None)

    @property
    def is_first(self) -> bool:
        """Whether nothing was published yet."""
        return self.report.first_published_at is None

    @property
    def is_expected(self) -> bool:
        """Whether the first load starts by itself in a moment."""
        connection = self.connection
        return (
            connection.state is State.CONNECTED
            and self.is_first
            and self.report.began_at is None
            and (self.dag is None or (self.dag.last is None and not self.dag.is_paused))
            and self.now - connection.changed_at < APPEARS_WITHIN
        )


def diagnose(seen: Seen) -> list[Finding]:
    """Return what stands between a user and the data, most important first."""
    if seen.connection.state is not State.CONNECTED:
        return list(_not_connected(seen))
    return [finding for check in _CHECKS for finding in check(seen)]


def _not_connected(seen: Seen) -> Iterator[Finding]:
    connection = seen.connection
    if connection.state is State.CONNECTING:
        yield Finding(
            Mark.BAD,
            "Nothing is loaded yet: the organization is still to be chosen. Finish connecting, or "
            "connect again if half an hour has passed.",
        )
    elif connection.state is State.DISCONNECTED:
        why = SENTENCES[connection.reason] if connection.reason else "Reconnect it."
        yield Finding(Mark.BAD, f"Loads have stopped. {why}")
        if seen.report.published_at is not None:
            yield Finding(
                Mark.NOTE,
                "What was published until then can still be read; it was published last "
                f"{relative(seen.report.published_at, seen.now)}.",
            )
    else:
        yield Finding(
            Mark.BAD,
            "The connection was ended, and everything that was collected is being deleted. "
            "Connect the organization again for new data.",
        )


def _airflow(seen: Seen) -> Iterator[Finding]:
    if not seen.health.scheduler:
        yield Finding(
            Mark.BAD,
            "Airflow's scheduler does not answer, so no load starts. Whoever runs Airflow has to "
            "start it.",
        )
    if not seen.health.has_dag_file:
        yield Finding(
            Mark.BAD,
            "Airflow cannot read the file that makes the loads' DAGs. Its import error is on the "
            "page Dags.",
            Place.DAGS,
        )
    if not seen.health.dag_processor:
        yield Finding(
            Mark.BAD,
            "Airflow's DAG processor does not answer, so a new connection is not noticed, and "
            "changes of a schedule are not either. Whoever runs Airflow has to start it.",
        )


def _dag(seen: Seen) -> Iterator[Finding]:
    if seen.dag is None:
        waited = seen.now - seen.connection.changed_at
        if waited < APPEARS_WITHIN:
            yield Finding(
                Mark.WAIT,
                "Airflow is about to make this connection's DAG, which takes up to a minute. The "
                "first load starts by itself.",
            )
        elif seen.health.dag_processor and seen.health.has_dag_file:
            yield Finding(
                Mark.BAD,
                f"Airflow has not made this connection's DAG within {span(waited)}. Check that "
                "all parts of Airflow have the same CORVANA_DATA_DIR and CORVANA_REGISTRY_URL, "
                "and the log of the DAG processor.",
                Place.DAGS,
            )
    elif seen.dag.is_paused:
        yield Finding(
            Mark.BAD,
            "The DAG of this connection is paused in Airflow. Switch it on there.",
            Place.DAG,
        )


def _run(seen: Seen) -> Iterator[Finding]:
    active = seen.dag.active if seen.dag is not None else None
    if active is not None and active.state is RunState.QUEUED:
        waited = seen.now - active.since
        if waited < QUEUED_LONG:
            yield Finding(Mark.WAIT, "A load waits for its turn in Airflow.", Place.RUNS)
        else:
            yield Finding(
                Mark.BAD,
                f"A load has been waiting for its turn for {span(waited)}: other runs take all of "
                "Airflow's slots, or its scheduler is stuck.",
                Place.RUNS,
            )
    elif seen.is_running:
        began = active.since if active is not None else seen.report.began_at
        so_far = f", for {span(seen.now - began)} so far" if began is not None else ""
        doing = STEPS[seen.step] if seen.step is not None else "just beginning"
        yield Finding(Mark.WAIT, f"A load is under way: {doing}{so_far}.", Place.RUNS)
    elif seen.dag is not None and not seen.dag.is_paused and _has_not_begun(seen):
        yield Finding(
            Mark.WAIT, "The first load has not begun yet. Airflow starts it by itself.", Place.DAG
        )


def _has_not_begun(seen: Seen) -> bool:
    return seen.dag is not None and seen.dag.last is None and seen.report.began_at is None


def _failure(seen: Seen) -> Iterator[Finding]:
    if seen.report.failed is not None and seen.is_running:
        yield Finding(
            Mark.NOTE,
            f"A part of the load failed, and Airflow repeats it. {seen.report.failed}",
            Place.RUNS,
        )
    elif seen.report.failed is not None:
        yield Finding(Mark.BAD, f"The last load failed. {seen.report.failed}", Place.RUNS)
    elif (
        not seen.is_running
        and seen.dag is not None
        and seen.dag.last is not None
        and seen.dag.last.state is RunState.FAILED
    ):
        yield Finding(
            Mark.BAD,
            f"The last run failed {relative(seen.dag.last.since, seen.now)} without saying why "
            "here; the log of the failed task does.",
            Place.RUNS,
        )


def _coverage(seen: Seen) -> Iterator[Finding]:
    coverage = seen.report.coverage
    if coverage is None:
        return
    if coverage.projects == 0:
        yield Finding(
            Mark.BAD,
            "The Sentry user who connected sees no project. In Sentry, let that user join the "
            "teams whose projects are to be read, or reconnect as an owner or manager.",
        )
    if coverage.hidden:
        is_one = coverage.hidden == 1
        yield Finding(
            Mark.NOTE,
            f"{counted(coverage.hidden, 'project')} {'is' if is_one else 'are'} hidden from the "
            f"Sentry user who connected: nothing of {'it' if is_one else 'them'} is read. Joining "
            f"{'its team' if is_one else 'their teams'} in Sentry shows "
            f"{'it' if is_one else 'them'} from the next load on.",
        )
    if not coverage.is_complete:
        since = f" Complete since {coverage.since} so far." if coverage.since else ""
        yield Finding(
            Mark.WAIT,
            "Older history is still being read, newest first: numbers of the past grow with "
            f"every run.{since}",
        )


def _published(seen: Seen) -> Iterator[Finding]:
    report = seen.report
    if report.published_at is None:
        if report.loaded_at is not None and not seen.is_running and report.failed is None:
            yield Finding(
                Mark.BAD,
                "A load succeeded, but its marts were not published. The log of the run says why.",
                Place.RUNS,
            )
        return
    ago = relative(report.published_at, seen.now)
    rows = sum(report.published.values())
    if rows:
        yield Finding(
            Mark.GOOD,
            f"Published {ago}: {counted(rows, 'row')} in {counted(len(report.published), 'mart')}. "
            "Open the file corvana.duckdb, in the folder of the published marts, read-only; the "
            f"rows of this connection have the connection_id {seen.connection.id}.",
        )
    elif report.coverage is None or report.coverage.projects:
        yield Finding(
            Mark.NOTE,
            f"Published {ago}, without a row: Sentry has no issues and no errors of the last 90 "
            "days, as long as it keeps them, in the projects that are read.",
        )


def _warnings(seen: Seen) -> Iterator[Finding]:
    if count := sum(seen.report.warnings.values()):
        yield Finding(
            Mark.NOTE,
            f"The last load met {counted(count, 'oddity')}, which are listed under “Coverage and "
            "rows”. None of them stops it.",
        )


_CHECKS: tuple[Callable[[Seen], Iterator[Finding]], ...] = (
    _airflow,
    _dag,
    _failure,
    _run,
    _coverage,
    _published,
    _warnings,
)


def purge_notice(seen: Seen) -> str | None:
    """Return when the data of a disconnected connection is deleted, in a sentence."""
    if seen.connection.purge_after is None:
        return None
    return (
        "What was collected is kept until "
        f"{stamp(seen.connection.purge_after)} ({relative(seen.connection.purge_after, seen.now)}) "
        "and then deleted for good, unless it is reconnected before."
    )

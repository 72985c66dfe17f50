"""Tells the registry what a connection's runs do, for the Integrations page.

Numbers and our own words only. A report that cannot be written never fails a run.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from include.connections.reports import Coverage, LoadReport, Reading, Reports, Step
from include.progress import Progress, Requests

if TYPE_CHECKING:
    from dlt_sources.sentry.pipeline import LoadSummary

log = logging.getLogger(__name__)

EVERY_S = 2.0
"""Seconds between two reports of progress at least."""


class Reporter:
    """Reports one step of a connection's run.

    Args:
        reports: The registry's reports.
        connection_id: The connection.
        step: What is being done.
        in_sentences: Failures that say in our own words what to do. Of others only the kind is
            told: their text may hold anything.
    """

    def __init__(
        self,
        reports: Reports,
        connection_id: str,
        step: Step,
        in_sentences: tuple[type[Exception], ...],
    ) -> None:
        self._reports = reports
        self._connection_id = connection_id
        self._step = step
        self._in_sentences = in_sentences

    @contextmanager
    def reporting(self) -> Iterator[None]:
        """Report that the step runs, and how it ended."""
        self._change(self._begin)
        try:
            yield
        except Exception as failure:
            sentence = self._sentence(failure)

            def fail(report: LoadReport) -> None:
                report.failed = sentence
                self._end(report)

            self._change(fail)
            raise
        self._change(self._end)

    def _sentence(self, failure: Exception) -> str:
        if isinstance(failure, self._in_sentences):
            return str(failure)
        return (
            f"The step {self._step} failed unexpectedly ({type(failure).__name__}). Its log in "
            "Airflow says where."
        )

    def watch(self, also: Progress, client: Requests) -> Progress:
        """Return what a load is to tell how far it is, which tells somebody else, too."""
        readings: dict[str, Reading] = {}
        next_at = 0.0

        def tell(what: str, done: int, total: int | None) -> None:
            nonlocal next_at
            also(what, done, total)
            readings[what] = Reading(what, done, total)
            if (now := time.monotonic()) < next_at:
                return
            next_at = now + EVERY_S

            def show(report: LoadReport) -> None:
                report.readings = list(readings.values())
                report.requests = client.requests

            self._change(show)

        return tell

    def loaded(self, summary: "LoadSummary", coverage: Coverage | None) -> None:
        """Report what a load did."""

        def show(report: LoadReport) -> None:
            report.loaded_at = datetime.now(UTC)
            report.requests = summary.requests
            report.waited_s = summary.waited_s
            report.rows = {name: count for name, count in summary.rows.items() if count}
            report.changes = summary.changes
            report.warnings = summary.warnings
            report.coverage = coverage

        self._change(show)

    def published(self, rows: dict[str, int]) -> None:
        """Report which marts were published."""

        def show(report: LoadReport) -> None:
            report.published_at = datetime.now(UTC)
            report.first_published_at = report.first_published_at or report.published_at
            report.published = rows

        self._change(show)

    def _begin(self, report: LoadReport) -> None:
        if self._step is Step.LOAD:
            report.began_at, report.readings = datetime.now(UTC), []
        report.step, report.ended_at, report.failed = self._step, None, None

    def _end(self, report: LoadReport) -> None:
        report.step, report.ended_at = None, datetime.now(UTC)

    def _change(self, change: Callable[[LoadReport], None]) -> None:
        try:
            self._reports.change(self._connection_id, change)
        except SQLAlchemyError as failure:
            log.warning("the progress could not be reported (%s)", type(failure).__name__)

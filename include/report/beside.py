"""Making the report together with the marts that it shows, without holding them up."""

import logging
import traceback
from pathlib import Path

from include.report.failures import NothingToReport, ReportFailed
from include.report.store import REPORT

log = logging.getLogger(__name__)


class Beside:
    """Puts a report beside the marts of a publication, before both become visible.

    Args:
        organization: Short name of the Sentry organization.
    """

    def __init__(self, organization: str) -> None:
        self._organization = organization
        self._failure: str | None = None

    def __call__(self, folder: Path) -> None:
        """Write the report of the marts in a folder; what fails is kept for `check`."""
        from include.report.making import make  # noqa: PLC0415 - imports what draws charts

        files = {file.stem: file for file in folder.glob("*.parquet")}
        try:
            page = make(files, self._organization)
            (folder / REPORT).write_text(page, encoding="utf-8")
        except NothingToReport as nothing:
            log.info("no report: %s", nothing)
        except Exception as failure:  # noqa: BLE001 - the marts are published all the same
            # By its kind and place alone: its text may hold what is in the marts.
            self._failure = type(failure).__name__
            where = "".join(traceback.format_tb(failure.__traceback__))
            log.error("The report could not be made: %s at\n%s", self._failure, where)  # noqa: TRY400

    def check(self) -> None:
        """Say whether there is a report.

        Raises:
            ReportFailed: It could not be made.
        """
        if self._failure is not None:
            raise ReportFailed(
                f"The marts are published, but their report could not be made ({self._failure}; "
                "the lines above say where). Readers of the marts are not concerned."
            )

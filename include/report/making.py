"""Making a report, from published marts to a page."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from include.report.content import content
from include.report.failures import NothingToReport
from include.report.marts import opened
from include.report.page import page


def make(marts: Mapping[str, Path], organization: str) -> str:
    """Return the report of a connection as HTML.

    Args:
        marts: The Parquet file of each mart, of one generation.
        organization: Short name of the Sentry organization.

    Raises:
        MartsMissing: Some marts are not published.
        NothingToReport: There is nothing in them.
    """
    with opened(marts) as found:
        if found is None:
            raise NothingToReport(
                "The published marts hold no load yet: the report comes with the first one that "
                "ends."
            )
        return page(content(found), organization, datetime.now(UTC))

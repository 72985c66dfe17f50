"""Where a connection's report is: beside the published marts that it shows."""

from include.published import Generation

REPORT = "report.html"
"""Its name in the folder of a generation."""

FRAME = "<!-- frame -->"
"""Stands in the page where whoever shows it may put how to get back."""

USE = "<!-- use -->"
"""Stands where they may put how to use the data."""


def stored(generation: Generation) -> str | None:
    """Return the report that was made with a generation; None if that did not succeed."""
    try:
        return (generation.folder / REPORT).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def report(generation: Generation, organization: str) -> str:
    """Return the report of a generation: the one that was made with it, else a new one.

    Args:
        generation: The published marts.
        organization: Short name of the Sentry organization.

    Raises:
        MartsMissing: Some marts are not published.
        NothingToReport: There is nothing in them.
    """
    page = stored(generation)
    if page is None:
        from include.report.making import make  # noqa: PLC0415 - imports what draws charts

        page = make(generation.marts, organization)
    return page

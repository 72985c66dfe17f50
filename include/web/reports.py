"""The reports of connections, as their DAGs made them when they published."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from include.connections.registry import Connection
from include.published import Generation, current, snippets
from include.report.store import FRAME, USE, stored
from include.web import pages
from include.web.guard import PageViewer, Refused
from include.web.services import Services, services
from include.web.shield import REPORT_POLICY

router = APIRouter()

Works = Annotated[Services, Depends(services)]


@router.get("/sentry/reports")
def reports(request: Request, user: PageViewer, works: Works) -> Response:
    """List the reports there are."""
    found = [(one, current(works.settings.published_dir, one.id)) for one in works.registry.live()]
    return pages.page(request, user, "reports.html", reports=found)


@router.get("/sentry/{connection_id}/report")
def report(connection_id: str, _user: PageViewer, works: Works) -> Response:
    """Show a report, with the way back and how to use the data.

    The page may run its own script, but as if it were of another site (see `shield`).
    """
    connection, _, page = _report(connection_id, works)
    frame = pages.text("report_frame.html", connection=connection)
    use = pages.text(
        "report_use.html", snippets=snippets(works.settings.published_dir, connection.id)
    )
    return HTMLResponse(
        page.replace(FRAME, frame, 1).replace(USE, use, 1),
        headers={"Content-Security-Policy": REPORT_POLICY},
    )


@router.get("/sentry/{connection_id}/report/file")
def file(connection_id: str, _user: PageViewer, works: Works) -> Response:
    """Give a report to keep or to mail."""
    _, generation, page = _report(connection_id, works)
    name = f"sentry-report-{connection_id}-{generation.published_at:%Y-%m-%d}.html"
    return HTMLResponse(page, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _report(connection_id: str, works: Services) -> tuple[Connection, Generation, str]:
    connection = works.registry.get(connection_id)
    generation = current(works.settings.published_dir, connection.id)
    if generation is None:
        raise Refused(
            404,
            "There is no report yet",
            "It comes with the first data, a few minutes after an organization was connected.",
        )
    page = stored(generation)
    if page is None:
        raise Refused(
            404,
            "The report could not be made",
            "The marts are published, but the report of them failed: the log of the task publish "
            "says why. The next run tries again.",
        )
    return connection, generation, page

"""The receipts of deletions, which stay when all else of a connection is gone."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from include.purge.page import TITLES, body, summary
from include.purge.receipts import Receipt, UnknownReceipt, open_receipts
from include.web import pages, times
from include.web.guard import PageViewer, Refused
from include.web.services import Services, services

router = APIRouter()

Works = Annotated[Services, Depends(services)]

LATEST = 500
"""So many are listed; each can be opened by its number."""

KINDS = {"json": "application/json", "html": "text/html; charset=utf-8"}


@router.get("/sentry/receipts")
def receipts(request: Request, user: PageViewer, works: Works) -> Response:
    """List the receipts."""
    found = open_receipts(works.registry).all()[:LATEST]
    return pages.page(request, user, "receipts.html", receipts=found, titles=TITLES)


@router.get("/sentry/receipts/{number}")
def receipt(number: int, request: Request, user: PageViewer, works: Works) -> Response:
    """Show a receipt."""
    found = _found(works, number)
    return pages.page(
        request,
        user,
        "receipt.html",
        receipt=found,
        title=TITLES[found.kind],
        sentence=summary(found),
        body=body(found, times.stamp),
    )


@router.get("/sentry/receipts/{number}/{form}")
def download(number: int, form: Literal["json", "html"], _: PageViewer, works: Works) -> Response:
    """Give a receipt to keep: JSON exactly as it is in the chain, or a page complete in itself."""
    found = _found(works, number)
    name = f"receipt-{found.number}-{found.connection}.{form}"
    return Response(
        found.to_json() if form == "json" else found.to_html(),
        media_type=KINDS[form],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _found(works: Services, number: int) -> Receipt:
    try:
        return open_receipts(works.registry).get(number)
    except UnknownReceipt as unknown:
        raise Refused(404, "Not found", str(unknown)) from None

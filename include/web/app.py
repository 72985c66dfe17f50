"""The page as an application of its own, which Airflow's API server mounts."""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from include.connections.database import InvalidRegistryUrl
from include.connections.registry import UnknownConnection
from include.connections.states import IllegalTransition
from include.connections.vault import InvalidKey, VaultLocked
from include.settings import DataDirUnusable, InvalidSettings
from include.web import airflow, pages, receipts, reports
from include.web.guard import Refused, SignedOut
from include.web.routes import router
from include.web.shield import Shield

UNUSABLE = (DataDirUnusable, InvalidKey, InvalidRegistryUrl, InvalidSettings, VaultLocked)
"""What is wrong with the installation, which whoever runs it has to mend."""


def page() -> Shield:
    """Return the application."""
    # Without the pages that FastAPI makes of an application: they would be open to anybody.
    app = FastAPI(title="Integrations", docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(router)
    app.include_router(receipts.router)
    app.include_router(reports.router)
    app.add_exception_handler(SignedOut, _signed_out)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(UnknownConnection, _unknown)
    app.add_exception_handler(IllegalTransition, _illegal)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    for kind in UNUSABLE:
        app.add_exception_handler(kind, _unusable)
    app.add_exception_handler(Exception, _unforeseen)
    return Shield(app, _failed)


def _signed_out(_request: Request, signed_out: Exception) -> Response:
    if isinstance(signed_out, SignedOut) and signed_out.is_page:
        # Always to the same address of ours: nothing of the request is repeated.
        return RedirectResponse(airflow.login_path(f"{pages.here()}/"), 303)
    return JSONResponse({"detail": "Sign in to Airflow first."}, 401)


def _refused(_request: Request, refused: Exception) -> Response:
    if not isinstance(refused, Refused):
        raise refused
    return pages.problem(refused.title, refused.sentence, refused.status)


def _unknown(_request: Request, _error: Exception) -> Response:
    return pages.problem(
        "There is no such connection",
        "It was deleted, or the address is wrong. The page Integrations shows all there are.",
        404,
    )


def _illegal(_request: Request, error: Exception) -> Response:
    return pages.problem("This cannot be done now", str(error), 409)


def _http(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    sentences = {
        404: ("There is nothing here", "The address is wrong, or the page has moved."),
        405: ("This address is none to open", "It is what a button of the page sends."),
    }
    title, sentence = sentences.get(
        status, ("This did not work", "Try again from the page Integrations.")
    )
    return pages.problem(title, sentence, status)


def _invalid(_request: Request, _error: Exception) -> Response:
    return pages.problem("This did not work", "Try again from the page Integrations.", 400)


def _unusable(_request: Request, error: Exception) -> Response:
    return pages.problem("Integrations cannot be shown", str(error), 503)


def _unforeseen(_request: Request, _error: Exception) -> Response:
    # The error is raised again after this, and logged by the shield.
    return HTMLResponse(_failed(), 500)


def _failed() -> str:
    return pages.text(
        "problem.html",
        title="Something went wrong here",
        sentence="It is no fault of yours. Try again; if it happens again, the log of Airflow's "
        "API server says what it was.",
    )

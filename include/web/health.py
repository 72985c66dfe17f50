"""`/corvana/health`: for probes and monitoring, without signing in.

Anybody is told how each check is; sentences, ids and figures are for who is signed in to Airflow.
"""

import asyncio
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from include.health.examining import examination
from include.health.model import Health, Status
from include.web import airflow

HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


def app() -> FastAPI:
    """Return the application."""
    # Without the pages that FastAPI makes of an application: they would be open to anybody.
    made = FastAPI(title="Health", docs_url=None, redoc_url=None, openapi_url=None)
    look = _Look()

    async def health(request: Request) -> Response:
        """Answer how the installation is."""
        seen = await look()
        is_known = await airflow.signed_in(request) is not None
        return JSONResponse(
            seen.in_full() if is_known else seen.in_short(), _code(seen.status), HEADERS
        )

    made.add_api_route("/health", health, methods=["GET", "HEAD"])
    return made


class _Look:
    """Looks once for all who ask at the same time; none of them holds one of the server's threads.

    Findings are kept for some seconds by the examination, so that nobody who asks often costs the
    registry anything.
    """

    def __init__(self) -> None:
        self._looking: asyncio.Future[Health] | None = None

    async def __call__(self) -> Health:
        if self._looking is None or self._looking.done():
            self._looking = asyncio.ensure_future(asyncio.to_thread(examination().health))
        # One who goes away must not take the answer from the others.
        return await asyncio.shield(self._looking)


def _code(status: Status) -> int:
    unhealthy = status is Status.UNHEALTHY
    return HTTPStatus.SERVICE_UNAVAILABLE if unhealthy else HTTPStatus.OK

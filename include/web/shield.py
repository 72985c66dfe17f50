"""What every answer of the page has to have, and what no log may see."""

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

CALLBACK = "/sentry/callback"

ANSWER = "corvana.answer"
"""Where the callback finds the query of its address, in the request's scope."""

POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
"""Content-Security-Policy: nothing but our own files, nothing inline, in no other page's frame."""

REPORT_POLICY = "; ".join(
    (
        # As if it were of another site: whatever a report did, it could not act for who reads it.
        "sandbox allow-scripts allow-downloads allow-modals",
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "script-src 'unsafe-inline'",
        "img-src data:",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
"""The only other policy that an answer may have: a report is whole, its script and its style stand
in the page, and it asks for nothing."""

HEADERS = {
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    # Not `no-referrer`: browsers would send `Origin: null` with our own forms. To other sites,
    # Sentry's too, no address is sent either way.
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}

DEFAULTS = {"cache-control": "no-store"}


class Shield:
    """Guards an application: headers on every answer, errors included, and secrets out of logs.

    Args:
        app: The application.
        failed: Returns the HTML of the page that an unforeseen error shows.
    """

    def __init__(self, app: App, failed: Callable[[], str]) -> None:
        self._app = app
        self._failed = failed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_callback = scope["path"].endswith(CALLBACK)
        ours = _ours(scope["path"])
        if is_callback:
            # Airflow writes a request's query to its log once it is answered, from this scope.
            # Nothing has to be registered with Airflow's masker for that, which would let anybody
            # fill it.
            scope[ANSWER], scope["query_string"] = scope["query_string"], b""
        is_begun = False

        async def guarded(message: Message) -> None:
            nonlocal is_begun
            if message["type"] == "http.response.start":
                is_begun = True
                message = {**message, "headers": _headers(message["headers"], ours)}
            await send(message)

        try:
            await self._app(scope, receive, guarded)
        except Exception:
            log.exception("The page Integrations failed to answer %s", scope["path"])
            if not is_begun:
                await _answer(guarded, self._failed())


def _ours(path: str) -> dict[str, str]:
    """Return the headers that an answer from some address has to have."""
    if path.endswith(CALLBACK):
        return HEADERS | {"referrer-policy": "no-referrer"}
    return HEADERS


def _headers(given: list[tuple[bytes, bytes]], ours: dict[str, str]) -> list[tuple[bytes, bytes]]:
    """Return an answer's headers with ours, which win; but for a report's own policy."""
    if (b"content-security-policy", REPORT_POLICY.encode()) in given:
        ours = ours | {"content-security-policy": REPORT_POLICY}
    names = {name.lower() for name, _ in given}
    kept = [(name, value) for name, value in given if name.lower().decode() not in ours]
    kept += [(name.encode(), value.encode()) for name, value in ours.items()]
    kept += [
        (name.encode(), value.encode())
        for name, value in DEFAULTS.items()
        if name.encode() not in names
    ]
    return kept


async def _answer(send: Send, page: str) -> None:
    body = page.encode()
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": body})

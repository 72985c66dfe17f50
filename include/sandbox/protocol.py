"""uvicorn's HTTP protocol, with a way for the application to break the connection off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uvicorn.protocols.http.auto import AutoHTTPProtocol

from include.sandbox.fault_answers import TRANSPORT

if TYPE_CHECKING:
    from asyncio import Transport


class BreakableProtocol(AutoHTTPProtocol):  # type: ignore[misc,valid-type]  # chosen at import
    """Puts the transport of a connection into the state of its requests.

    ASGI has no message for an answer that never comes, which is what a client has to survive.
    """

    app_state: dict[str, object]

    def connection_made(self, transport: Transport) -> None:
        """Take up a connection."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, TRANSPORT: transport}

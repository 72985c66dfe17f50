"""What stands between the network and every route: the log, limits, delays and faults."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from include.sandbox.fault_answers import instead, rate_limited, spoiled
from include.sandbox.faults import FaultPlan
from include.sandbox.rate_limit import RateLimiter, is_limiting
from include.sandbox.request_log import OAUTH_ROUTES, RequestLog

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from include.sandbox.calls import Call
    from include.sandbox.view import View

    Truth = Callable[[], Awaitable[Response]]


class Client(NamedTuple):
    """The three ends of an ASGI connection."""

    scope: Scope
    receive: Receive
    send: Send


@dataclass(frozen=True, slots=True)
class Passage:
    """The way in, shared by all routes.

    Attributes:
        view: The organization; its behaviours decide what happens here.
        log: Notes every request.
        limiter: Counts them, where limits are set.
        plan: The faults.
    """

    view: View
    log: RequestLog = field(default_factory=RequestLog)
    limiter: RateLimiter = field(default_factory=RateLimiter)
    plan: FaultPlan = field(default_factory=FaultPlan)

    async def serve(self, route: str, call: Call, truth: Truth, client: Client) -> None:
        """Answer a request.

        Args:
            route: Its name in the log.
            call: The request.
            truth: Makes the answer of a sandbox without faults.
            client: Who asks.
        """
        self.view.follow()
        self.log.record(route, call.query)
        behaviours = self.view.behaviours
        if route in OAUTH_ROUTES or not is_limiting(behaviours):
            await (await self._answer(route, call, truth))(*client)
            return
        refusal = self.limiter.enter(behaviours)
        headers = self.limiter.headers(behaviours)
        try:
            if refusal is not None:
                answer: ASGIApp = rate_limited(refusal, self.view.clock, **headers)
            else:
                answer = await self._answer(route, call, truth)
            await answer(client.scope, client.receive, _with_headers(client.send, headers))
        finally:
            self.limiter.leave()

    async def _answer(self, route: str, call: Call, truth: Truth) -> ASGIApp:
        """Return the answer after the set delay, as the faults will have it."""
        if self.view.behaviours.latency_ms:
            await asyncio.sleep(self.view.behaviours.latency_ms / 1000)
        # From here on nothing waits, so the answer is of one state.
        faults = self.view.behaviours.faults
        hit = self.plan.draw(faults, route) if faults else None
        if hit is None:
            return await truth()
        answer = instead(hit, call, self.view.clock)
        return answer if answer is not None else spoiled(hit, await truth())


def _with_headers(send: Send, headers: Mapping[str, str]) -> Send:
    """Return a `send` that puts honest limits on every answer but a 429, which has its own."""
    mine = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    names = {name for name, _ in mine}

    async def honest(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] != 429:
            others = [pair for pair in message["headers"] if pair[0].lower() not in names]
            message = {**message, "headers": [*others, *mine]}
        await send(message)

    return honest

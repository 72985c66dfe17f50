"""Gets one answer to one request: in its turn, with a token that is accepted, past rate limits."""

import logging
import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from threading import Lock
from urllib.parse import urljoin, urlsplit

from dlt_sources.sentry import failures, headers
from dlt_sources.sentry.endpoints import Endpoint
from dlt_sources.sentry.errors import ConnectionLost, RateLimited, TokenExpired
from dlt_sources.sentry.hosts import Origin
from dlt_sources.sentry.limiter import LONGEST_PAUSE_S, Limiter
from dlt_sources.sentry.tokens import AccessToken
from dlt_sources.sentry.transport import Answer, Transport

log = logging.getLogger(__name__)

REPLICATION_S = 5.0
"""Seconds after which a new token is known where it is checked (`ApiTokenReplica`)."""

_REDIRECTS = frozenset({301, 302, 307, 308})
_API_PATH = re.compile(r"/api/0/[\w.~%!$&'()*+,;=:@/-]*", re.ASCII)


@dataclass(slots=True)
class Request:
    """A request through all its repetitions.

    Attributes:
        endpoint: What is asked.
        path: Path of the address.
        query: Query of the address.
        is_sent: It was sent at least once.
        is_redirected: A redirect was followed.
        limited: 429s so far.
        limited_s: Seconds waited for them.
        rejection: What its first 401 means.
        cures: What is left to be tried against it.
    """

    endpoint: Endpoint
    path: str
    query: str
    is_sent: bool = False
    is_redirected: bool = False
    limited: int = 0
    limited_s: float = 0.0
    rejection: ConnectionLost | None = None
    cures: Iterator[bool] | None = None

    @property
    def target(self) -> str:
        """Path and query."""
        return f"{self.path}?{self.query}" if self.query else self.path


class Sender:
    """Sends requests to one server. Safe to use from several threads.

    Args:
        server: Where to send them.
        token: The token to send with them, renewed if need be.
        limiter: Says when.
        transport: Says how.

    Attributes:
        server: Where later requests go.
        requests: Requests sent so far.
        retries: Those among them that repeated one.
        server_time: The server's time at its latest answer; None while it has not told it.
        warnings: What to look into, counted.
    """

    def __init__(
        self, server: Origin, token: AccessToken, limiter: Limiter, transport: Transport
    ) -> None:
        self.server = server
        self.requests = 0
        self.retries = 0
        self.server_time: datetime | None = None
        self.warnings: Counter[str] = Counter()
        self._token = token
        self._limiter = limiter
        self._transport = transport
        self._lock = Lock()
        self._date = ""
        self._now: datetime | None = None

    def answer(self, request: Request) -> Answer:
        """Return the answer to a request: of any status but 401 and 429.

        A redirect is followed once, on the same server, with the same query: what Sentry leaves out
        of it would change what is asked. It should not happen, because things are addressed by
        their ids, which stay when names change.

        Raises:
            Unreachable: There is no answer.
            UnexpectedResponse: It is larger than allowed.
            RateLimited: The rate limit lasts.
            TokenRejected: The token is not accepted.
            ActionNeeded: The organization wants something of the user.
        """
        answer = self._unlimited(request)
        if answer.status in _REDIRECTS and self._is_followed(request, answer):
            answer = self._unlimited(request)
        return answer

    def warn(self, *warnings: str) -> None:
        """Count warnings, which must not hold a value."""
        with self._lock:
            self.warnings.update(warnings)

    def _is_followed(self, request: Request, answer: Answer) -> bool:
        """Point a request to where a redirect leads, unless the token must not be sent there."""
        try:
            target = urlsplit(
                urljoin(f"{self.server}{request.path}", answer.headers.get("location", ""))
            )
        except ValueError:
            return False
        is_same_server = Origin.parse(f"{target.scheme}://{target.netloc}") == self.server
        if request.is_redirected or not is_same_server or not _API_PATH.fullmatch(target.path):
            return False
        request.path, request.is_redirected = target.path, True
        self.warn(f"endpoint {request.endpoint.path} is redirected")
        return True

    def _unlimited(self, request: Request) -> Answer:
        """Send a request until its answer is something else than a rate limit.

        Waiting for one is no failed attempt: there is patience for 15 minutes in all.
        """
        while True:
            answer = self._authorized(request)
            if answer.status != HTTPStatus.TOO_MANY_REQUESTS:
                return answer
            now = headers.server_time(answer.headers)
            asked_s = headers.retry_after_s(answer.headers, now)
            budget = headers.budget(answer.headers, now)
            pause_s = _pause_s(request.limited, asked_s, budget.reset_s if budget else None)
            request.limited += 1
            request.limited_s += pause_s
            if request.limited_s > LONGEST_PAUSE_S:
                raise RateLimited("Sentry's rate limit was reached; run again later.", asked_s)
            log.info("Sentry's rate limit was reached: pausing for %.0f s", pause_s)
            self._limiter.back_off(pause_s)

    def _authorized(self, request: Request) -> Answer:
        """Send a request until its token is accepted, or nothing is left to be tried for that."""
        while True:
            token = self._token.value
            answer = self._once(request, token)
            if answer.status != HTTPStatus.UNAUTHORIZED:
                return answer
            rejection, is_curable = failures.rejection(answer)
            if not is_curable:
                raise rejection
            if request.cures is None:
                request.rejection = rejection
                request.cures = self._cures(token, may_wait=not isinstance(rejection, TokenExpired))
            if not self._is_tried(request):
                raise request.rejection or rejection

    @staticmethod
    def _is_tried(request: Request) -> bool:
        """Try the next cure, if there is one left; a failed renewal may be tried anew."""
        cures, request.cures = request.cures or iter(()), None
        is_tried = next(cures, False)
        request.cures = cures
        return is_tried

    def _cures(self, rejected: str, *, may_wait: bool) -> Iterator[bool]:
        """Do one thing after another against a rejected token, each for one more request.

        A token that seems invalid may only be new: wherever it was renewed, Sentry copies it to
        where it is checked, which takes seconds. So it is tried again later before it is renewed,
        and the renewed one, too.
        """
        if may_wait and self._token.value == rejected:
            self._limiter.sleep(REPLICATION_S)
            yield True
        if self._token.renew(rejected):
            yield True
            self._limiter.sleep(REPLICATION_S)
            yield True

    def _once(self, request: Request, token: str) -> Answer:
        """Send a request when it is its turn, and learn from its answer."""
        with self._limiter.turn():
            with self._lock:
                self.requests += 1
                self.retries += request.is_sent
            request.is_sent = True
            answer = self._transport.get(self.server, request.target, token)
            self._learn(request.endpoint, answer)
        return answer

    def _learn(self, endpoint: Endpoint, answer: Answer) -> None:
        """Take the server's time, its rate limit and its announcements from the headers."""
        date = answer.headers.get("date", "")
        with self._lock:
            if date != self._date:
                self._date, self._now = date, headers.server_time(answer.headers)
            now = self._now
            self.server_time = now or self.server_time
        if budget := headers.budget(answer.headers, now):
            self._limiter.observe(budget.limit, budget.remaining, budget.reset_s)
            if budget.at_once is not None:
                self._limiter.allow_at_once(budget.at_once)
        if "x-sentry-deprecation-date" in answer.headers:
            self.warn(f"endpoint {endpoint.path} is deprecated")


def _pause_s(times: int, asked_s: float | None, reset_s: float | None) -> float:
    """Return the seconds to pause after a 429: as the server says, and longer each time.

    Args:
        times: 429s to the same request before.
        asked_s: Seconds by `Retry-After`.
        reset_s: Seconds to the next window of the rate limit.
    """
    patience_s = min(2.0**times, 60.0)
    if asked_s is not None:
        return max(asked_s, patience_s)
    # Others wait for the same window: not all at once.
    return max(reset_s or 0.0, patience_s) + random.uniform(0, 1)  # noqa: S311

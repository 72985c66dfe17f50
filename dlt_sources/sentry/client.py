"""The only place that speaks HTTP to Sentry's API: known endpoints, decoded by the allowlist.

What a request needs on its way is in modules of its own: `hosts` (where a token may go), `tokens`,
`limiter`, `transport`, `sender` (token and rate limits), `headers`, `failures`, `decoding`.
"""

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Generic, Self, TypeVar
from urllib.parse import quote, urlencode

import msgspec
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    retry_if_not_exception_type,
)
from tenacity.wait import wait_exponential_jitter

from dlt_sources.sentry import failures, headers
from dlt_sources.sentry.decoding import decode
from dlt_sources.sentry.endpoints import Endpoint
from dlt_sources.sentry.errors import (
    EndpointGone,
    QueryTimedOut,
    RateLimited,
    Retryable,
    UnexpectedResponse,
    Unreachable,
)
from dlt_sources.sentry.hosts import checked_region, checked_server
from dlt_sources.sentry.limiter import Limiter
from dlt_sources.sentry.sender import Request, Sender
from dlt_sources.sentry.tokens import AccessToken
from dlt_sources.sentry.transport import Answer, Transport

log = logging.getLogger(__name__)

T = TypeVar("T")
Params = Mapping[str, str | int | Sequence[str]]

_BACKOFF = wait_exponential_jitter(initial=1, max=60, jitter=1)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list.

    Attributes:
        body: What is on it.
        cursor: Where the next page begins; None on the last one.
        hits: Results of the whole search; an estimate beyond one page, None if not said.
    """

    body: T
    cursor: str | None
    hits: int | None


class Client:
    """Reads one organization with one connection's tokens. Safe to use from several threads.

    What may pass is tried again: failures of the server or the network up to `attempts` times, 1 to
    60 s apart; rate limits for as long as Sentry says, within 15 minutes a request.

    Args:
        base_url: Root of the server, e.g. `https://us.sentry.io`; plain HTTP only on loopback.
        organization: The organization's id or slug.
        token: OAuth access token. Sent to `base_url`, and where `move_to` leads, only.
        refresh: Returns a new access token, durably stored, for the one that was rejected. What it
            raises, the request raises.
        hosts: Names of servers, other than Sentry's own, that tokens may be sent to.
        max_requests_per_second: Our own ceiling, out of fairness to the customer's own use; None
            for none.
        concurrency: Requests under way at once.
        attempts: How often a request is tried before its failure is final.
        timeout_s: Seconds from the start of a request to the last byte of its answer.
        max_bytes: Size of a decompressed answer beyond which it is refused.

    Attributes:
        organization: The organization's id or slug in the requests that follow.
        concurrency: How many threads can read at once.

    Raises:
        ValueError: The token must not be sent to `base_url`, or is none.
    """

    def __init__(  # noqa: PLR0913 - each by name, all but three with a default
        self,
        base_url: str,
        organization: str,
        token: str,
        *,
        refresh: Callable[[str], str] | None = None,
        hosts: Collection[str] = (),
        max_requests_per_second: float | None = 3.0,
        concurrency: int = 2,
        attempts: int = 6,
        timeout_s: float = 60.0,
        max_bytes: int = 32 * 2**20,
    ) -> None:
        server = checked_server(base_url, hosts)
        self.organization = organization
        self.concurrency = concurrency
        self._attempts = attempts
        self._limiter = Limiter(max_requests_per_second, concurrency)
        self._transport = Transport(timeout_s, max_bytes)
        self._sender = Sender(server, AccessToken(token, refresh), self._limiter, self._transport)
        self._retrying = Retrying(
            retry=retry_if_exception_type(Retryable) & retry_if_not_exception_type(RateLimited),
            stop=self._is_last,
            wait=_BACKOFF,
            sleep=self._limiter.sleep,
            before_sleep=_say,
            reraise=True,
        )
        # Both can log addresses or headers at INFO or DEBUG, and those hold the customer's labels.
        for name in ("httpx", "httpcore"):
            logging.getLogger(name).setLevel(logging.WARNING)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._transport.close()

    @property
    def base_url(self) -> str:
        """Root of the server that requests go to, without a trailing slash."""
        return str(self._sender.server)

    @property
    def requests(self) -> int:
        """Requests sent so far, retries included."""
        return self._sender.requests

    @property
    def retries(self) -> int:
        """Requests sent so far that repeated one."""
        return self._sender.retries

    @property
    def waited_s(self) -> float:
        """Seconds waited by all threads: for a turn, for Sentry's limits and before retries."""
        return self._limiter.waited_s

    @property
    def server_time(self) -> datetime | None:
        """Sentry's time at its latest answer; None while it has not told it."""
        return self._sender.server_time

    @property
    def warnings(self) -> Counter[str]:
        """What to look into, counted: places of Sentry's API, and never a value."""
        return self._sender.warnings

    def move_to(self, region_url: str) -> None:
        """Send later requests to the region that holds the organization's data.

        Args:
            region_url: As Sentry gives it (`links.regionUrl`).

        Raises:
            UnexpectedResponse: The token must not be sent there; nothing was.
        """
        self._sender.server = checked_region(region_url, self._sender.server)

    def get(self, endpoint: Endpoint, kind: type[T], params: Params | None = None, **at: str) -> T:
        """Return the decoded body of one response.

        Args:
            endpoint: What to read.
            kind: Allowlist Struct (or list of it) to decode into. Of its fields with a default, one
                that cannot be read is `msgspec.UNSET` and counted in `warnings`.
            params: Query parameters; empty values are sent, sequences are repeated.
            **at: Values of the path's placeholders other than the organization.

        Raises:
            SentryError: See `errors`.
        """
        page = self.page(endpoint, kind, params, **at)
        if page.cursor is not None:
            self._sender.warn(f"endpoint {endpoint.path} has more pages than are read")
        return page.body

    def pages(
        self, endpoint: Endpoint, kind: type[T], params: Params | None = None, **at: str
    ) -> Iterator[T]:
        """Yield the pages of a list, which may be short or empty in the middle; see `get`."""
        page_params = dict(params or {})
        seen: set[str] = set()
        while True:
            page = self.page(endpoint, kind, page_params, **at)
            yield page.body
            if page.cursor is None:
                return
            if page.cursor in seen:
                raise UnexpectedResponse(f"Sentry's pages of {endpoint.path} go in a circle.")
            seen.add(page.cursor)
            page_params["cursor"] = page.cursor

    def page(
        self, endpoint: Endpoint, kind: type[T], params: Params | None = None, **at: str
    ) -> Page[T]:
        """Return one page of a list; see `get`."""
        params = params or {}
        if unknown := params.keys() - endpoint.params:
            raise ValueError(f"{endpoint.path} must not be asked with {sorted(unknown)}")
        path = endpoint.url_path(organization=self.organization, **at)
        request = Request(endpoint, path, urlencode(params, doseq=True, quote_via=quote, safe=""))
        try:
            # What counts attempts costs a tenth of a request, and nearly none needs a second one.
            return self._page(request, kind)
        except Retryable as failure:
            first = [failure]

        def again() -> Page[T]:
            if first:
                raise first.pop()
            return self._page(request, kind)

        page: Page[T] = self._retrying(again)
        return page

    def _page(self, request: Request, kind: type[T]) -> Page[T]:
        """Get an answer once, and make of it what it is."""
        answer = self._sender.answer(request)
        if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            failure = failures.failure(request.endpoint, answer, self._sender.server)
            if isinstance(failure, EndpointGone):
                self._sender.warn(f"endpoint {request.endpoint.path} is gone")
            raise failure
        return Page(
            body=self._decoded(request.endpoint, kind, answer),
            cursor=headers.next_cursor(answer.headers),
            hits=headers.hits(answer.headers),
        )

    def _decoded(self, endpoint: Endpoint, kind: type[T], answer: Answer) -> T:
        """Decode a body; msgspec's errors name the place, never the value."""
        if answer.headers.get("content-type", "").lower().startswith("text/html"):
            raise self._no_json(endpoint)
        warnings: Counter[str] = Counter()
        try:
            body = decode(answer.content, kind, warnings)
        except msgspec.ValidationError as error:
            raise UnexpectedResponse(
                f"Sentry's answer to {endpoint.path} has another form than documented: {error}. "
                "Update corvana-sentry, or report it with this sentence."
            ) from None
        except msgspec.DecodeError:
            raise self._no_json(endpoint) from None
        if warnings:
            self._sender.warn(*warnings.elements())
        return body

    def _no_json(self, endpoint: Endpoint) -> Unreachable:
        """Return the failure for a page of a proxy, or an answer that was cut off."""
        return Unreachable(
            f"Sentry at {self.base_url} answered {endpoint.path} with something that is no JSON. "
            "Run again later; see status.sentry.io if it lasts."
        )

    def _is_last(self, state: RetryCallState) -> bool:
        """Tell whether a failure is final: a query that times out, after one more try."""
        is_timeout = isinstance(_error(state), QueryTimedOut)
        return state.attempt_number >= (min(2, self._attempts) if is_timeout else self._attempts)


def _error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _say(state: RetryCallState) -> None:
    """Log why and when a request is tried again."""
    log.info("%s Trying again in %.0f s.", _error(state), state.upcoming_sleep)

"""The only place that speaks HTTP to Sentry's API: known endpoints, decoded by the allowlist."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from threading import Lock
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import httpx
import msgspec
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_exponential_jitter

from dlt_sources.sentry import endpoints
from dlt_sources.sentry.allowlist import ErrorBody
from dlt_sources.sentry.endpoints import Endpoint
from dlt_sources.sentry.errors import (
    AccessDenied,
    InvalidRequest,
    NotFound,
    OutsideRetention,
    RateLimited,
    Retryable,
    SentryError,
    TokenRejected,
    UnexpectedResponse,
    UnknownOrganization,
    Unreachable,
)
from dlt_sources.sentry.limiter import Limiter

T = TypeVar("T")
Params = Mapping[str, str | int | Sequence[str]]

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
SCOPES = ("project:read", "org:read", "event:read")


class Client:
    """Reads one organization with one token. Safe to use from several threads.

    Args:
        base_url: Root of the server, e.g. `https://us.sentry.io`; plain HTTP only on loopback.
        organization: The organization's id or slug.
        token: OAuth access token. Sent to `base_url` only; redirects are not followed.
        max_requests_per_second: Our own ceiling, out of fairness to the customer's own use.
        attempts: How often a request is tried before its failure is final.

    Raises:
        ValueError: `base_url` is not an https address (or http on loopback).
    """

    def __init__(
        self,
        base_url: str,
        organization: str,
        token: str,
        *,
        max_requests_per_second: float = 3.0,
        attempts: int = 6,
    ) -> None:
        self.base_url = _checked(base_url)
        self.organization = organization
        self.requests = 0
        self.server_time: datetime | None = None
        self._limiter = Limiter(max_requests_per_second)
        self._attempts = attempts
        self._lock = Lock()
        # Both log every address at INFO or DEBUG, and those hold the customer's labels.
        for name in ("httpx", "httpcore"):
            logging.getLogger(name).setLevel(logging.WARNING)
        self._http = httpx.Client(
            base_url=self.base_url,
            headers={"Authorization": f"Bearer {token}", "User-Agent": "corvana-sentry"},
            timeout=httpx.Timeout(60.0, connect=10.0),
            follow_redirects=False,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    @property
    def waited_s(self) -> float:
        """Seconds that requests waited for their turn or for Sentry's limits."""
        return self._limiter.waited_s

    def get(self, endpoint: Endpoint, kind: type[T], params: Params | None = None, **at: str) -> T:
        """Return the decoded body of one response.

        Args:
            endpoint: What to read.
            kind: Allowlist Struct (or list of it) to decode into.
            params: Query parameters; empty values are sent, sequences are repeated.
            **at: Values of the path's placeholders other than the organization.

        Raises:
            SentryError: See `errors`.
        """
        body, _ = self._read(endpoint, kind, params or {}, at)
        return body

    def pages(
        self, endpoint: Endpoint, kind: type[T], params: Params | None = None, **at: str
    ) -> Iterator[T]:
        """Yield the pages of a list, which may be short or empty in the middle.

        Sentry sends a `next` link on every page; only its `results="true"` means there is one
        (docs.sentry.io/api/pagination). Some lists have no `Link` header at all: one page.
        """
        page_params = dict(params or {})
        seen: set[str] = set()
        while True:
            body, cursor = self._read(endpoint, kind, page_params, at)
            yield body
            if cursor is None:
                return
            if cursor in seen:
                raise UnexpectedResponse(f"Sentry's pages of {endpoint.path} go in a circle.")
            seen.add(cursor)
            page_params["cursor"] = cursor

    def _read(
        self, endpoint: Endpoint, kind: type[T], params: Params, at: Mapping[str, str]
    ) -> tuple[T, str | None]:
        """Return a decoded body and the next page's cursor, after retries where they can help."""
        if unknown := params.keys() - endpoint.params:
            raise ValueError(f"{endpoint.path} must not be asked with {sorted(unknown)}")
        path = endpoint.url_path(organization=self.organization, **at)
        retrying = Retrying(
            retry=retry_if_exception_type(Retryable),
            stop=stop_after_attempt(self._attempts),
            wait=_retry_wait_s,
            reraise=True,
        )

        def once() -> tuple[T, str | None]:
            response = self._send(endpoint, path, params)
            return self._decoded(endpoint, kind, response), _next_cursor(response)

        return retrying(once)

    def _send(self, endpoint: Endpoint, path: str, params: Params) -> httpx.Response:
        """Make one request and turn its failure into one of ours."""
        self._limiter.wait()
        with self._lock:
            self.requests += 1
        try:
            response = self._http.get(path, params=dict(params))
        except httpx.HTTPError as error:
            # httpx's own text may hold the address; the class says enough.
            raise Unreachable(
                f"Sentry at {self.base_url} cannot be reached ({type(error).__name__}). "
                "Check the address and the network, then run again."
            ) from None
        self._observe(response)
        if response.is_success:
            return response
        raise self._failure(endpoint, response)

    def _observe(self, response: httpx.Response) -> None:
        """Take the server's time and its rate limit from the headers."""
        now = _date(response)
        with self._lock:
            self.server_time = now or self.server_time or datetime.now(UTC)
        if response.headers.get("X-Sentry-Rate-Limit-Remaining") == "0":
            self._limiter.pause(_seconds_to_reset(response))

    def _failure(self, endpoint: Endpoint, response: httpx.Response) -> SentryError:  # noqa: PLR0911 - one return a row of the table
        """Return the error for an unsuccessful response (decision table by status)."""
        status = response.status_code
        if status == HTTPStatus.UNAUTHORIZED:
            return TokenRejected(
                "Sentry rejected the access token of this connection: it is wrong, revoked or "
                "expired. Connect the organization again."
            )
        if status == HTTPStatus.FORBIDDEN:
            return AccessDenied(
                f"Sentry refused to show {endpoint.path}: the connection lacks the scope "
                f"{endpoint.scope}, or the connecting user lost access. Connect the organization "
                f"again with the scopes {' '.join(SCOPES)}."
            )
        if status == HTTPStatus.NOT_FOUND and endpoint is endpoints.ORGANIZATION:
            return UnknownOrganization(
                f"Sentry at {self.base_url} does not know the organization "
                f"'{self.organization}', or the token cannot see it. Check its slug and region."
            )
        if status == HTTPStatus.NOT_FOUND:
            return NotFound(f"Sentry does not have what was asked of {endpoint.path} (404).")
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            pause_s = _seconds_to_reset(response)
            self._limiter.pause(pause_s)
            return RateLimited("Sentry's rate limit was reached; run again later.", pause_s)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or _is_query_timeout(response):
            return Unreachable(
                f"Sentry at {self.base_url} failed to answer {endpoint.path} ({status}). "
                "Run again later; see status.sentry.io if it lasts."
            )
        if status == HTTPStatus.BAD_REQUEST and "recent date range" in _detail(response):
            return OutsideRetention(f"Sentry keeps nothing as old as was asked of {endpoint.path}.")
        return InvalidRequest(
            f"Sentry refused the request for {endpoint.path} ({status}). Its API may have changed: "
            "update corvana-sentry."
        )

    def _decoded(self, endpoint: Endpoint, kind: type[T], response: httpx.Response) -> T:
        """Decode a body; msgspec's errors name the place, never the value."""
        try:
            return msgspec.json.decode(response.content, type=kind)
        except msgspec.ValidationError as error:
            raise UnexpectedResponse(
                f"Sentry's answer to {endpoint.path} has another form than documented: {error}. "
                "Update corvana-sentry, or report it with this sentence."
            ) from None
        except msgspec.DecodeError:
            # A page of a proxy, or an answer that was cut off.
            raise Unreachable(
                f"Sentry at {self.base_url} answered {endpoint.path} with something that is no "
                "JSON. Run again later; see status.sentry.io if it lasts."
            ) from None


def _checked(base_url: str) -> str:
    """Return the address without a trailing slash, if a token may be sent there."""
    parts = urlsplit(base_url)
    is_loopback = parts.hostname in LOOPBACK
    if not parts.hostname or parts.scheme not in ({"http", "https"} if is_loopback else {"https"}):
        raise ValueError(
            f"'{base_url}' is no address of a Sentry server: use https://… "
            "(http only on this machine)."
        )
    return base_url.rstrip("/")


def _next_cursor(response: httpx.Response) -> str | None:
    """Return the next page's cursor, or None on the last page."""
    link: dict[str, Any] = response.links.get("next", {})
    return link.get("cursor") if link.get("results") == "true" else None


def _date(response: httpx.Response) -> datetime | None:
    """Return the server's time. Ours is no watermark: the two clocks may differ."""
    try:
        return parsedate_to_datetime(response.headers["Date"])
    except (KeyError, ValueError):
        return None


def _seconds_to_reset(response: httpx.Response) -> float:
    """Return the seconds until Sentry's budget is renewed, a minute at most.

    `Retry-After` is seldom there; `X-Sentry-Rate-Limit-Reset` is the end of the window in epoch
    seconds by the server's clock (`middleware/ratelimit.py`).
    """
    retry_after = response.headers.get("Retry-After", "")
    if retry_after.isdigit():
        return min(float(retry_after), 60.0)
    reset = response.headers.get("X-Sentry-Rate-Limit-Reset", "")
    now = _date(response)
    if not reset.isdigit() or now is None:
        return 1.0
    return min(max(float(reset) - now.timestamp(), 1.0), 60.0)


def _is_query_timeout(response: httpx.Response) -> bool:
    """Tell whether a 400 means that Sentry's event store gave up (`api/utils.py`)."""
    detail = _detail(response)
    is_timeout = "timeout" in detail.lower() or "Internal error" in detail
    return response.status_code == HTTPStatus.BAD_REQUEST and is_timeout


def _detail(response: httpx.Response) -> str:
    """Return the sentence in an error's body, to be compared with known ones and never shown."""
    try:
        detail = msgspec.json.decode(response.content, type=ErrorBody).detail
    except msgspec.DecodeError:
        return ""
    return detail if isinstance(detail, str) else ""


_BACKOFF = wait_exponential_jitter(initial=1, max=60, jitter=1)


def _retry_wait_s(state: RetryCallState) -> float:
    """Return the seconds to wait before the next attempt: what the server asked, else backoff."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after_s if isinstance(error, Retryable) else None
    return asked if asked is not None else _BACKOFF(state)

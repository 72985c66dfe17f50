"""HTTP as the client needs it: GET with a token, bounded in time and size, and nothing beside.

Made of `httpcore`, which is httpx's own engine, because of what is *not* there: no cookies, no
redirects, no proxies or credentials from the environment, no log of addresses, and an address is
never taken apart again after it was checked. Certificates are always verified: against the
authorities that browsers know, or those in SSL_CERT_FILE or SSL_CERT_DIR, for a private one.
"""

import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from ssl import SSLContext, SSLError
from threading import local
from typing import Any

import httpcore
import httpx

from dlt_sources.sentry.errors import UnexpectedResponse, Unreachable, UnreadableAuthorities
from dlt_sources.sentry.hosts import Origin

CONNECT_TIMEOUT_S = 10.0
KEEPALIVE_S = 30.0

_FAILURES = (
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.TimeoutException,
    httpcore.UnsupportedProtocol,
    OSError,
    zlib.error,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete response.

    Attributes:
        status: HTTP status.
        headers: Its headers, by name in lower case.
        content: Its body, decompressed.
    """

    status: int
    headers: Mapping[str, str]
    content: bytes


class Transport:
    """Sends requests. Safe to use from several threads, each with a connection of its own.

    Args:
        timeout_s: Seconds from the start of a request to the last byte of its answer.
        max_bytes: Size of a decompressed body beyond which it is not read on.
    """

    def __init__(self, timeout_s: float, max_bytes: int) -> None:
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes
        self._deadline = _Deadline()
        self._timeouts = {
            "connect": min(CONNECT_TIMEOUT_S, timeout_s),
            "read": timeout_s,
            "write": timeout_s,
            "pool": timeout_s,
        }
        self._own = _Own()
        self._connections: list[httpcore.HTTPConnection] = []

    def close(self) -> None:
        """Close all connections."""
        for connection in self._connections:
            connection.close()

    def _connection(self, url: httpcore.URL) -> httpcore.HTTPConnection:
        """Return the current thread's connection, a new one where it is of no use any more.

        Without a pool, in which threads would wait in line, and which asks twice a request whether
        a connection is still there.
        """
        own = self._own.connection
        if own is not None:
            if own.is_available() and own.can_handle_request(url.origin) and not own.has_expired():
                return own
            own.close()
            self._connections.remove(own)
        own = self._own.connection = httpcore.HTTPConnection(
            url.origin,
            ssl_context=_ssl_context() if url.scheme == b"https" else None,
            keepalive_expiry=KEEPALIVE_S,
            network_backend=_TimedBackend(self._deadline),
        )
        self._connections.append(own)
        return own

    def get(self, origin: Origin, target: str, token: str) -> Answer:
        """Return the answer to a GET request, whatever its status.

        Args:
            origin: Where to send it.
            target: Path and query, percent-encoded.
            token: OAuth access token.

        Raises:
            Unreachable: No connection, no complete answer in time, or one that cannot be read.
            UnexpectedResponse: The answer is larger than allowed.
            UnreadableAuthorities: There is nothing to verify certificates with.
        """
        self._deadline.at = time.monotonic() + self._timeout_s
        try:
            return self._get(origin, target, token)
        except _FAILURES as error:
            cause = error.__cause__
            reason = type(cause if isinstance(cause, SSLError) else error).__name__
        # Out of the handler: texts of the library may hold headers, and with them the token.
        raise Unreachable(
            f"Sentry at {origin} cannot be reached ({reason}). "
            "Check the address and the network, then run again."
        )

    def _get(self, origin: Origin, target: str, token: str) -> Answer:
        url = httpcore.URL(
            scheme=origin.scheme.encode(),
            host=origin.host.encode(),
            port=origin.port,
            target=target.encode(),
        )
        request = httpcore.Request(
            "GET",
            url,
            headers={
                "Host": origin.netloc,
                "Accept": "application/json",
                "Accept-Encoding": "gzip",
                "Authorization": f"Bearer {token}",
                "User-Agent": "corvana-sentry",
            },
            extensions={"timeout": self._timeouts},
        )
        response = self._connection(url).handle_request(request)
        with closing(response):
            headers = _by_name(response.headers)
            content = b"".join(self._bounded(response.iter_stream(), headers))
        return Answer(response.status, headers, content)

    def _bounded(self, chunks: Iterable[bytes], headers: Mapping[str, str]) -> Iterator[bytes]:
        """Yield the decompressed body while it is no larger than allowed.

        Nothing is ever decompressed beyond the bound, so a small body that unfolds to a huge one
        (a "gzip bomb") costs no memory.
        """
        encoding = headers.get("content-encoding", "identity").lower()
        if encoding == "gzip":
            chunks = _unzipped(chunks, self._max_bytes)
        elif encoding != "identity":
            raise httpcore.RemoteProtocolError  # not asked for
        size = 0
        for chunk in chunks:
            size += len(chunk)
            if size > self._max_bytes:
                raise UnexpectedResponse(
                    f"Sentry sent an answer of more than {self._max_bytes:,} bytes. Report it with "
                    "this sentence."
                )
            yield chunk


def _by_name(headers: Iterable[tuple[bytes, bytes]]) -> Mapping[str, str]:
    """Return headers by name; values of the same name are joined (RFC 9110, 5.3)."""
    found: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.lower().decode("latin-1"), raw_value.decode("latin-1")
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


@cache
def _ssl_context() -> SSLContext:
    """Return what verifies certificates; shared, because reading the authorities takes a while."""
    try:
        return httpx.create_ssl_context()
    except OSError:
        raise UnreadableAuthorities(
            "No certificates can be read from where the environment variable SSL_CERT_FILE or "
            "SSL_CERT_DIR points to. Correct it, then run again."
        ) from None


def _unzipped(chunks: Iterable[bytes], max_bytes: int) -> Iterator[bytes]:
    """Yield decompressed chunks, the last of them at most one byte beyond `max_bytes` in all."""
    unzip = zlib.decompressobj(wbits=31)
    room = max_bytes + 1
    for chunk in chunks:
        out = unzip.decompress(chunk, room)
        room -= len(out)
        yield out
        if room == 0:
            return
    if not unzip.eof:
        raise httpcore.RemoteProtocolError  # cut off


class _Own(local):
    """What belongs to one thread."""

    connection: httpcore.HTTPConnection | None = None


class _Deadline(local):
    """When the request of the current thread has to be answered, in monotonic seconds."""

    at = float("inf")

    def left(self, timeout: float | None) -> float:
        """Return the seconds that one step may take."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout
        return left if timeout is None else min(left, timeout)


class _TimedBackend(httpcore.NetworkBackend):
    """Connects as usual, with steps that end by the deadline.

    The library's own timeouts are for one step each: a server that sends a byte a minute would
    never reach them.
    """

    def __init__(self, deadline: _Deadline) -> None:
        self._backend = httpcore.SyncBackend()
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        timeout = self._deadline.left(timeout)
        stream = self._backend.connect_tcp(host, port, timeout, local_address, socket_options)
        return _TimedStream(stream, self._deadline)


class _TimedStream(httpcore.NetworkStream):
    """A connection whose steps end by the deadline, give or take a tenth of the time that is left.

    The library sets the socket's timeout anew for each step. With several threads under way that
    takes longer than the step, as each gives way to the others meanwhile.
    """

    def __init__(self, stream: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._stream = stream
        self._deadline = deadline
        self._socket = stream.get_extra_info("socket")
        self._timeout = 0.0

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._limit(timeout)
        try:
            received: bytes = self._socket.recv(max_bytes)
        except TimeoutError as error:
            raise httpcore.ReadTimeout from error
        except OSError as error:
            raise httpcore.ReadError from error
        return received

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        while buffer:
            self._limit(timeout)
            try:
                sent = self._socket.send(buffer)
            except TimeoutError as error:
                raise httpcore.WriteTimeout from error
            except OSError as error:
                raise httpcore.WriteError from error
            buffer = buffer[sent:]

    def _limit(self, timeout: float | None) -> None:
        left = self._deadline.left(timeout)
        if abs(self._timeout - left) > left / 10:
            self._socket.settimeout(left)
            self._timeout = left

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        timeout = self._deadline.left(timeout)
        stream = self._stream.start_tls(ssl_context, server_hostname, timeout)
        return _TimedStream(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - as the library declares it
        return self._stream.get_extra_info(info)

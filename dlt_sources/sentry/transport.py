"""HTTP as the client needs it: GET with a token, bounded in time and size, and nothing beside.

Made of `httpcore`, which is httpx's own engine, because of what is *not* there: no cookies, no
redirects, no proxies or credentials from the environment, no log of addresses, and an address is
never taken apart again after it was checked. Certificates are always verified.
"""

import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from ssl import SSLContext
from threading import local
from typing import Any

import httpcore
import httpx

from dlt_sources.sentry.errors import UnexpectedResponse, Unreachable
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
        headers: Its headers.
        content: Its body, decompressed.
    """

    status: int
    headers: httpx.Headers
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
        self._pools: list[httpcore.ConnectionPool] = []

    def close(self) -> None:
        """Close all connections."""
        for pool in self._pools:
            pool.close()

    def _pool(self) -> httpcore.ConnectionPool:
        """Return the current thread's connection: a shared pool would have them wait in line."""
        if self._own.pool is None:
            self._own.pool = httpcore.ConnectionPool(
                ssl_context=_ssl_context(),
                max_connections=1,
                keepalive_expiry=KEEPALIVE_S,
                network_backend=_TimedBackend(self._deadline),
            )
            self._pools.append(self._own.pool)
        return self._own.pool

    def get(self, origin: Origin, target: str, token: str) -> Answer:
        """Return the answer to a GET request, whatever its status.

        Args:
            origin: Where to send it.
            target: Path and query, percent-encoded.
            token: OAuth access token.

        Raises:
            Unreachable: No connection, no complete answer in time, or one that cannot be read.
            UnexpectedResponse: The answer is larger than allowed.
        """
        self._deadline.at = time.monotonic() + self._timeout_s
        try:
            return self._get(origin, target, token)
        except _FAILURES as error:
            reason = type(error).__name__
        # Out of the handler: texts of the library may hold headers, and with them the token.
        raise Unreachable(
            f"Sentry at {origin} cannot be reached ({reason}). "
            "Check the address and the network, then run again."
        )

    def _get(self, origin: Origin, target: str, token: str) -> Answer:
        request = httpcore.Request(
            "GET",
            httpcore.URL(
                scheme=origin.scheme.encode(),
                host=origin.host.encode(),
                port=origin.port,
                target=target.encode(),
            ),
            headers={
                "Host": origin.netloc,
                "Accept": "application/json",
                "Accept-Encoding": "gzip",
                "Authorization": f"Bearer {token}",
                "User-Agent": "corvana-sentry",
            },
            extensions={"timeout": self._timeouts},
        )
        response = self._pool().handle_request(request)
        with closing(response):
            headers = httpx.Headers(response.headers)
            content = b"".join(self._bounded(response.iter_stream(), headers))
        return Answer(response.status, headers, content)

    def _bounded(self, chunks: Iterable[bytes], headers: httpx.Headers) -> Iterator[bytes]:
        """Yield the decompressed body while it is no larger than allowed.

        Nothing is ever decompressed beyond the bound, so a small body that unfolds to a huge one
        (a "gzip bomb") costs no memory.
        """
        encoding = headers.get("Content-Encoding", "identity").lower()
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


@cache
def _ssl_context() -> SSLContext:
    """Return what verifies certificates; shared, because reading the authorities takes a while."""
    return httpx.create_ssl_context(trust_env=False)


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

    pool: httpcore.ConnectionPool | None = None


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
    def __init__(self, stream: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.left(timeout))

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

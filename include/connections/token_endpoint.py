"""The way to Sentry's token endpoint, and what is let through of its answers.

requests-oauthlib parses and logs whole responses, and Sentry's name the user. So it is given this
as its transport: what it sees of an answer is what the allowlist declares, and what it sees of a
failure is one of our exceptions.
"""

import time
from collections.abc import Iterator
from http import HTTPStatus
from io import BytesIO
from ssl import SSLCertVerificationError
from typing import Any

import httpx
import msgspec
from requests import PreparedRequest, RequestException, Response
from requests.adapters import HTTPAdapter
from requests.exceptions import ConnectTimeout
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError, SSLError

from dlt_sources.sentry.allowlist import TokenRefusal, TokenResponse
from dlt_sources.sentry.errors import UnreadableAuthorities
from dlt_sources.sentry.hosts import Origin
from include.connections.errors import (
    ClientRejected,
    InvalidGrant,
    OAuthError,
    OAuthRefused,
    OAuthUnreachable,
)

CONNECT_S = 10.0
READ_S = 30.0
TOTAL_S = 60.0
MAX_BYTES = 64 * 1024


class TokenEndpoint(HTTPAdapter):
    """Sends every request to the token endpoint of one server, once.

    Args:
        server: Where tokens come from. Without TLS only on this machine.
        path: Path of the endpoint.
    """

    def __init__(self, server: Origin, path: str) -> None:
        self._server = server
        self._path = path
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:  # noqa: ANN401
        """Verify certificates as requests to the API do, SSL_CERT_FILE included."""
        if self._server.scheme == "https":
            try:
                options["ssl_context"] = httpx.create_ssl_context()
            except OSError:
                raise UnreadableAuthorities(
                    "No certificates can be read from where the environment variable "
                    "SSL_CERT_FILE or SSL_CERT_DIR points to. Correct it, then try again."
                ) from None
        super().init_poolmanager(*args, **options)

    def cert_verify(self, *_: Any) -> None:  # noqa: ANN401
        """Leave that to the context above."""

    def send(self, request: PreparedRequest, *_: Any, **__: Any) -> Response:  # noqa: ANN401
        """Return the allowed part of a good answer.

        Raises:
            OAuthError: There is none.
        """
        request.url = f"{self._server}{self._path}"
        answer = self._answer(request)
        if isinstance(answer, OAuthError):
            # Raised here: the original failure, which must not be its context, has the request.
            raise answer
        allowed = Response()
        allowed.status_code, allowed.request = HTTPStatus.OK, request
        allowed.raw, allowed.encoding = BytesIO(msgspec.json.encode(answer)), "utf-8"
        return allowed

    def _answer(self, request: PreparedRequest) -> TokenResponse | OAuthError:
        request.headers["Accept-Encoding"] = "identity"
        try:
            with super().send(request, stream=True, timeout=(CONNECT_S, READ_S)) as answer:
                content = b"".join(_bounded(answer))
        except (RequestException, HTTPError, OSError) as failure:
            return _unreachable(self._server, failure)
        if answer.status_code == HTTPStatus.OK:
            try:
                return msgspec.json.decode(content, type=TokenResponse)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                return _lost(self._server, "something that is no token response")
        return _refusal(self._server, answer.status_code, content)


def _bounded(answer: Response) -> Iterator[bytes]:
    """Yield a body as long as it is small and comes in time."""
    deadline, left = time.monotonic() + TOTAL_S, MAX_BYTES
    # By what has come, not by full blocks: a body can be slow to fill one.
    while chunk := answer.raw.read1(8192, decode_content=False):
        left -= len(chunk)
        if left < 0 or time.monotonic() > deadline:
            raise RequestException
        yield chunk


def _unreachable(server: Origin, failure: Exception) -> OAuthUnreachable:
    if _is_unsent(failure):
        return OAuthUnreachable(
            f"Sentry at {server} cannot be reached. Check the address in the Airflow Connection "
            "and the network, then try again.",
            may_have_happened=False,
        )
    return _lost(server, "no answer, or a part of one")


def _is_unsent(failure: Exception) -> bool:
    """Tell whether a failure came before the request was sent; when in doubt, it did not."""
    cause = failure.args[0] if failure.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else None
    if isinstance(reason, SSLError):
        return bool(reason.args) and isinstance(reason.args[0], SSLCertVerificationError)
    return isinstance(failure, ConnectTimeout) or isinstance(reason, NewConnectionError)


def _lost(server: Origin, came: str) -> OAuthUnreachable:
    return OAuthUnreachable(
        f"Sentry at {server} was asked for a token, and {came} came back. Try again later; see "
        "status.sentry.io if it lasts.",
        may_have_happened=True,
    )


def _refusal(server: Origin, status: int, content: bytes) -> OAuthError:
    """Return what an answer without tokens means (`oauth_token.py`)."""
    try:
        error = msgspec.json.decode(content, type=TokenRefusal).error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        error = None
    # Older servers say invalid_credentials.
    if status == HTTPStatus.UNAUTHORIZED and error in {"invalid_client", "invalid_credentials"}:
        return ClientRejected(
            f"Sentry at {server} does not accept this installation's client id and secret. "
            "Whoever runs it has to correct the Airflow Connection of the OAuth application."
        )
    if status == HTTPStatus.BAD_REQUEST and error == "invalid_grant":
        return InvalidGrant(
            "Sentry does not accept this authorization: it was used already, expired or was "
            "revoked. Connect again."
        )
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return OAuthUnreachable(
            f"Sentry at {server} is asked too often. Try again in some minutes.",
            may_have_happened=False,
        )
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _lost(server, f"an error ({status})")
    return OAuthRefused(
        f"Sentry at {server} refused to give a token ({status}). Check the address in the Airflow "
        "Connection of the OAuth application, or update corvana-sentry."
    )

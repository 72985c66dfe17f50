"""From an unsuccessful answer to the failure that it means.

The sentences in Sentry's bodies are compared with known ones, and never shown.
"""

from http import HTTPStatus

import msgspec

from dlt_sources.sentry import endpoints
from dlt_sources.sentry.allowlist import ErrorBody, ErrorCode
from dlt_sources.sentry.endpoints import Endpoint
from dlt_sources.sentry.errors import (
    AccessDenied,
    ActionNeeded,
    ConnectionLost,
    EndpointGone,
    InvalidRequest,
    MultipleProjectsRefused,
    NotFound,
    OutsideRetention,
    QueryTimedOut,
    SentryError,
    TokenExpired,
    TokenRevoked,
    UnknownOrganization,
    Unreachable,
)
from dlt_sources.sentry.hosts import Origin
from dlt_sources.sentry.transport import Answer

SCOPES = ("project:read", "org:read", "event:read")

ACTIONS = {
    "sso-required": (
        "The organization asks for single sign-on: the connecting user has to sign in to Sentry "
        "with it, then connect the organization again."
    ),
    "2fa-required": (
        "The organization asks for two-factor authentication: the connecting user has to set it "
        "up in Sentry, then connect the organization again."
    ),
    "member-disabled-over-limit": (
        "The organization has more members than its plan allows, and the connecting user is "
        "disabled: have the user enabled in Sentry, or connect as another one."
    ),
}
"""What an organization may want of a user, by the code of the refusal (`api/exceptions.py`)."""

_INACTIVE = {
    "User inactive or deleted": (
        "user-inactive",
        (
            "The user who connected the organization is deactivated or deleted in Sentry. Connect "
            "it again as an active user."
        ),
    ),
    "UserApplication inactive or deleted": (
        "application-inactive",
        (
            "The OAuth application of this installation is deactivated or deleted in Sentry. Set "
            "it up there again, then connect the organization again."
        ),
    ),
}
"""Refusals of a token for good (`api/authentication.py::UserAuthTokenAuthentication`): our word and
sentence for each."""


def rejection(answer: Answer) -> tuple[ConnectionLost, bool]:
    """Return what a 401 means, and whether waiting or another token may help.

    Of "Invalid token" it may, too: after a renewal Sentry copies the token to the region that
    answers us, which takes some seconds.
    """
    detail = _detail(answer)
    if isinstance(detail, ErrorCode):
        if detail.code in ACTIONS:
            return ActionNeeded(ACTIONS[detail.code], detail.code), False
    elif detail in _INACTIVE:
        code, sentence = _INACTIVE[detail]
        return TokenRevoked(sentence, code), False
    elif detail == "Token expired":
        return TokenExpired(
            "The access token of this connection expired and could not be renewed. Connect the "
            "organization again."
        ), True
    return TokenRevoked(
        "Sentry rejected the access token of this connection: it is wrong or was revoked. Connect "
        "the organization again."
    ), True


def failure(  # noqa: PLR0911 - one return a row of the table
    endpoint: Endpoint, answer: Answer, server: Origin
) -> SentryError:
    """Return what any other unsuccessful answer means.

    Args:
        endpoint: What was asked.
        answer: With a status other than success, 401 and 429.
        server: Who answered.
    """
    status = answer.status
    if status == HTTPStatus.BAD_REQUEST:
        return _refusal(endpoint, answer)
    if status == HTTPStatus.FORBIDDEN:
        return AccessDenied(
            f"Sentry refused to show {endpoint.path}: the connection lacks the scope "
            f"{endpoint.scope}, or the connecting user lost access. Connect the organization "
            f"again with the scopes {' '.join(SCOPES)}."
        )
    if status == HTTPStatus.NOT_FOUND and endpoint is endpoints.ORGANIZATION:
        return UnknownOrganization(
            f"Sentry at {server} does not know this connection's organization, or the token "
            "cannot see it. Check its slug and region."
        )
    if status == HTTPStatus.NOT_FOUND:
        return NotFound(f"Sentry does not have what was asked of {endpoint.path} (404).")
    if status == HTTPStatus.GONE:
        return EndpointGone(
            f"Sentry says that {endpoint.path} no longer exists (410). Run again later; if it "
            "lasts, update corvana-sentry."
        )
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unreachable(
            f"Sentry at {server} failed to answer {endpoint.path} ({status}). "
            "Run again later; see status.sentry.io if it lasts."
        )
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return InvalidRequest(
            f"Sentry at {server} redirected {endpoint.path} to where the token is not sent "
            f"({status}). Check the address of the connection, or update corvana-sentry."
        )
    return _invalid(endpoint, status)


def _refusal(endpoint: Endpoint, answer: Answer) -> SentryError:
    """Return what a 400 means: mostly a bug, but not always (`api/utils.py`)."""
    detail = _detail(answer)
    text = detail.lower() if isinstance(detail, str) else ""
    if "timeout" in text or "timed out" in text or "internal error" in text:
        return QueryTimedOut(
            f"Sentry's event store gave up on a query of {endpoint.path}. Run again later; see "
            "status.sentry.io if it lasts."
        )
    if "multiple projects" in text or "multi project" in text:
        return MultipleProjectsRefused(
            f"The organization may ask for one project at a time only of {endpoint.path}."
        )
    if "recent date range" in text:
        return OutsideRetention(f"Sentry keeps nothing as old as was asked of {endpoint.path}.")
    return _invalid(endpoint, answer.status)


def _invalid(endpoint: Endpoint, status: int) -> InvalidRequest:
    return InvalidRequest(
        f"Sentry refused the request for {endpoint.path} ({status}). Its API may have changed: "
        "update corvana-sentry."
    )


def _detail(answer: Answer) -> str | ErrorCode:
    """Return what an error's body gives as the cause; nothing for a body of another form."""
    try:
        return msgspec.json.decode(answer.content, type=ErrorBody).detail or ""
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""

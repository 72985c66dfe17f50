"""What can go wrong in a load; failures of Sentry in the three kinds a scheduler can tell apart.

SentryError
├── Retryable                later it may work
│   ├── Unreachable          no connection, no answer in time, a failing server
│   └── RateLimited          429
├── ConnectionLost           a person has to act; retrying cannot help
│   ├── TokenRejected        401
│   ├── AccessDenied         403
│   └── UnknownOrganization  404 for the organization itself
└── Fatal                    a bug here or a change there; retrying cannot help
    ├── NotFound             404 for anything else
    ├── InvalidRequest       400, 405, 410, …
    ├── OutsideRetention     400 for a window that Sentry no longer keeps
    └── UnexpectedResponse   an answer of another form than documented
LoadFailed                   dlt or the warehouse failed

No message holds anything of a response's body: each is a sentence that says what to do next.
"""


class SentryError(Exception):
    """Base of every failure to read from Sentry."""


class Retryable(SentryError):
    """The same request may succeed later.

    Attributes:
        retry_after_s: Seconds that the server asked to wait, if it did.
    """

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Unreachable(Retryable):
    """No usable answer from the server."""


class RateLimited(Retryable):
    """Too many requests, or too many at once."""


class ConnectionLost(SentryError):
    """The connection does not work any more (or never did) until a person acts."""


class TokenRejected(ConnectionLost):
    """The access token is unknown, revoked or expired."""


class AccessDenied(ConnectionLost):
    """A scope is missing, or the connecting user lost access."""


class UnknownOrganization(ConnectionLost):
    """The organization does not exist, was renamed, or the token cannot see it."""


class Fatal(SentryError):
    """Retrying cannot help and the connection is not at fault."""


class NotFound(Fatal):
    """A thing that was there is gone."""


class InvalidRequest(Fatal):
    """Sentry refused the request as such."""


class OutsideRetention(Fatal):
    """The asked window is older than what the organization's plan keeps."""


class UnexpectedResponse(Fatal):
    """The answer is not of the documented form. Says where, never what stood there."""


class LoadFailed(Exception):
    """The load failed outside Sentry. Says in which step of dlt, never with which data."""

"""What can go wrong in a load; failures of Sentry in the three kinds a scheduler can tell apart.

SentryError
├── Retryable                     later it may work
│   ├── Unreachable               no connection, no answer in time, a failing server, no JSON
│   ├── RateLimited               429 for longer than a request is kept waiting
│   ├── QueryTimedOut             400: Sentry's event store gave up; ask for a smaller window
│   └── EndpointGone              410: for a minute a day at first, as a warning, later for good
├── ConnectionLost                a person has to act; retrying cannot help
│   ├── TokenRejected             401
│   │   ├── TokenExpired          too old, and could not be renewed
│   │   └── TokenRevoked          unknown, revoked, or its user or application is inactive
│   ├── ActionNeeded              401: the organization wants something of the connecting user
│   ├── AccessDenied              403: coverage lost, of what was asked for alone
│   ├── UnknownOrganization       404 for the organization itself
│   ├── WrongOrganization         the token reaches another organization than was connected
│   └── ServerTooOld              the server lacks what a load cannot do without
└── Fatal                         a bug here or a change there; retrying cannot help
    ├── NotFound                  404 for anything else
    ├── InvalidRequest            400, 405, a redirect that is not followed, …
    ├── MultipleProjectsRefused   400: the organization may ask for one project at a time only
    ├── OutsideRetention          400 for a window that Sentry no longer keeps
    ├── UnexpectedResponse        an answer of another form than documented
    └── UnreadableAuthorities     nothing to verify certificates with
LoadFailed                        dlt or the warehouse failed
OutOfRetention                    a person asked for days that Sentry does not keep

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
    """Too many requests, or too many at once, for longer than a request is kept waiting."""


class QueryTimedOut(Retryable):
    """Sentry's event store gave up on the query, twice at most.

    The same request would time out again: callers ask for a smaller window instead.
    """


class EndpointGone(Retryable):
    """The endpoint answers that it no longer exists.

    Sentry announces removals by such answers, for a minute a day at first
    (`api/helpers/deprecation.py`); one that lasts needs a newer corvana-sentry.
    """


class ConnectionLost(SentryError):
    """The connection does not work any more (or never did) until a person acts."""


class TokenRejected(ConnectionLost):
    """The access token is not accepted."""


class TokenExpired(TokenRejected):
    """The access token is too old and could not be renewed."""


class TokenRevoked(TokenRejected):
    """The access token is unknown or revoked, or its user or application is inactive.

    Attributes:
        code: What of these, in a word: `user-inactive`, `application-inactive`, "" for the others.
    """

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class ActionNeeded(ConnectionLost):
    """The organization wants something of the connecting user before it answers.

    Attributes:
        code: What, as a word of Sentry's: a key of `failures.ACTIONS`.
    """

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class AccessDenied(ConnectionLost):
    """A scope is missing, or the connecting user lost access: coverage of one resource is lost.

    The connection may well work for everything else. What was collected before stays.
    """


class UnknownOrganization(ConnectionLost):
    """The organization does not exist, was renamed, or the token cannot see it."""


class WrongOrganization(ConnectionLost):
    """The token reaches another organization than the one that was connected.

    A user's token sees all organizations of that user, and a second consent may be for another
    one: nothing of it must be mixed with what was collected.
    """


class ServerTooOld(ConnectionLost):
    """A self-hosted server lacks endpoints that a load cannot do without, until it is updated."""


class Fatal(SentryError):
    """Retrying cannot help and the connection is not at fault."""


class NotFound(Fatal):
    """A thing that was there is gone."""


class InvalidRequest(Fatal):
    """Sentry refused the request as such."""


class MultipleProjectsRefused(Fatal):
    """The organization may not ask for several projects at once (without `global-views`).

    Callers ask for one project at a time instead.
    """


class OutsideRetention(Fatal):
    """The asked window is older than what the organization's plan keeps."""


class UnexpectedResponse(Fatal):
    """The answer is not of the documented form. Says where, never what stood there."""


class UnreadableAuthorities(Fatal):
    """The certificates of the authorities to trust, as the environment names them, are not there.

    A token is sent nowhere then.
    """


class LoadFailed(Exception):
    """The load failed outside Sentry. Says in which step of dlt, never with which data."""


class OutOfRetention(ValueError):
    """A person asked for days to be read again of which Sentry keeps no events."""

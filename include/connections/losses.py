"""From what Sentry refuses to why a connection is disconnected."""

from dlt_sources.sentry.errors import (
    AccessDenied,
    ActionNeeded,
    ConnectionLost,
    ServerTooOld,
    TokenExpired,
    TokenRejected,
    TokenRevoked,
    UnknownOrganization,
    WrongOrganization,
)
from include.connections.states import SENTENCES, Reason

_REASONS: dict[type[ConnectionLost], Reason] = {
    TokenExpired: Reason.EXPIRED,
    AccessDenied: Reason.ACCESS_LOST,
    UnknownOrganization: Reason.ORGANIZATION_LOST,
    WrongOrganization: Reason.OTHER_ORGANIZATION,
    ServerTooOld: Reason.SERVER_TOO_OLD,
}
_INACTIVE = {
    "user-inactive": Reason.USER_INACTIVE,
    "application-inactive": Reason.APPLICATION_INACTIVE,
}
_WANTED = {
    "sso-required": Reason.SSO_REQUIRED,
    "2fa-required": Reason.TWO_FACTOR_REQUIRED,
    "member-disabled-over-limit": Reason.MEMBER_DISABLED,
}


class RenewalRefused(TokenRejected):
    """The tokens cannot be renewed any more; the connection is disconnected already.

    Attributes:
        reason: Why.
    """

    def __init__(self, reason: Reason) -> None:
        super().__init__(SENTENCES[reason])
        self.reason = reason


class Disconnected(ConnectionLost):
    """A person disconnected the connection meanwhile: there are no tokens any more."""


def reason_of(failure: ConnectionLost) -> Reason:
    """Return why a connection is lost."""
    if isinstance(failure, RenewalRefused):
        return failure.reason
    if isinstance(failure, TokenRevoked):
        return _INACTIVE.get(failure.code, Reason.REVOKED)
    if isinstance(failure, ActionNeeded):
        return _WANTED.get(failure.code, Reason.ACCESS_LOST)
    found = (reason for kind, reason in _REASONS.items() if isinstance(failure, kind))
    return next(found, Reason.ACCESS_LOST)

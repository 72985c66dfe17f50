"""The states of a connection, which may follow which, and what each means for people.

```
connecting ──▶ connected ⇄ disconnected (reason)
    │              └──────────┬───────┘
    ▼                         ▼
  purged ◀──────────── disconnecting
```
"""

from enum import StrEnum


class State(StrEnum):
    """Where a connection stands.

    Attributes:
        CONNECTING: The user consented; which organization is meant is being chosen and checked.
        CONNECTED: It is loaded on its schedule.
        DISCONNECTED: Loads stop until it is connected again; what was collected stays for a while.
        DISCONNECTING: A person ended it: everything collected is being deleted.
        PURGED: Nothing is left of it but that it was.
    """

    CONNECTING = "connecting"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    DISCONNECTING = "disconnecting"
    PURGED = "purged"


TRANSITIONS: dict[State | None, frozenset[State]] = {
    None: frozenset({State.CONNECTING}),
    State.CONNECTING: frozenset({State.CONNECTED, State.PURGED}),
    State.CONNECTED: frozenset({State.DISCONNECTED, State.DISCONNECTING}),
    State.DISCONNECTED: frozenset({State.CONNECTED, State.DISCONNECTING}),
    State.DISCONNECTING: frozenset({State.PURGED}),
    State.PURGED: frozenset(),
}
"""The states that may follow one; None stands for no connection at all."""


class Reason(StrEnum):
    """Why a connection is disconnected; `SENTENCES` say it to the user."""

    REVOKED = "revoked"
    EXPIRED = "expired"
    RENEWAL_LOST = "renewal_lost"
    USER_INACTIVE = "user_inactive"
    APPLICATION_INACTIVE = "application_inactive"
    CLIENT_REJECTED = "client_rejected"
    SSO_REQUIRED = "sso_required"
    TWO_FACTOR_REQUIRED = "two_factor_required"
    MEMBER_DISABLED = "member_disabled"
    ACCESS_LOST = "access_lost"
    ORGANIZATION_LOST = "organization_lost"
    OTHER_ORGANIZATION = "other_organization"
    SERVER_TOO_OLD = "server_too_old"


SENTENCES: dict[Reason, str] = {
    Reason.REVOKED: (
        "Access was revoked in Sentry. Reconnect to go on where the data ends, or disconnect to "
        "delete it."
    ),
    Reason.EXPIRED: (
        "Sentry's authorization expired, because it could not be renewed for too long. Reconnect "
        "to go on where the data ends."
    ),
    Reason.RENEWAL_LOST: (
        "A renewal of the authorization was interrupted, and Sentry gives its answer only once. "
        "Reconnect to go on where the data ends."
    ),
    Reason.USER_INACTIVE: (
        "The Sentry user who connected the organization is deactivated or deleted. Reconnect as "
        "an active member of the organization."
    ),
    Reason.APPLICATION_INACTIVE: (
        "The OAuth application of this installation is deactivated or deleted in Sentry. Whoever "
        "runs this installation has to set it up there again; then reconnect."
    ),
    Reason.CLIENT_REJECTED: (
        "Sentry does not accept this installation's client id and secret. This is no fault of "
        "the organization: whoever runs this installation has to correct the Airflow connection "
        "sentry_oauth_app; then reconnect."
    ),
    Reason.SSO_REQUIRED: (
        "The organization now requires single sign-on. Sign in to Sentry with it, then reconnect."
    ),
    Reason.TWO_FACTOR_REQUIRED: (
        "The organization now requires two-factor authentication. Set it up in Sentry, then "
        "reconnect."
    ),
    Reason.MEMBER_DISABLED: (
        "The organization has more members than its plan allows, and the user who connected it is "
        "disabled. Have the user enabled in Sentry, or reconnect as another member."
    ),
    Reason.ACCESS_LOST: (
        "Sentry refuses to show issues: the user who connected the organization lost access, or a "
        "permission is missing. Reconnect as a member who can see the projects."
    ),
    Reason.ORGANIZATION_LOST: (
        "Sentry does not show the organization any more: it was deleted, or the user who connected "
        "it left it. Reconnect as a member of the organization."
    ),
    Reason.OTHER_ORGANIZATION: (
        "Sentry answers with another organization than the one that was connected. Reconnect and "
        "allow the right one."
    ),
    Reason.SERVER_TOO_OLD: ("The Sentry server is too old to be read. Update it; then reconnect."),
}
"""What happened and what to do about it, for the user."""


class IllegalTransition(Exception):
    """A connection cannot go from the state it is in to the one that was asked for."""

    def __init__(self, connection_id: str, state: State | None, to: State) -> None:
        super().__init__(
            f"The connection {connection_id} is {state or 'not there'}: it cannot become {to}."
        )
        self.state = state
        self.to = to


def check(connection_id: str, state: State | None, to: State) -> None:
    """Check that one state may follow another.

    Raises:
        IllegalTransition: It may not.
    """
    if to not in TRANSITIONS[state]:
        raise IllegalTransition(connection_id, state, to)

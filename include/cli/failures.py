"""What can go wrong with a command without a bug."""

from include.connections.application import ApplicationMissing
from include.connections.authorizations import InvalidState
from include.connections.authorizing import AuthorizingFailed
from include.connections.registry import AlreadyConnected
from include.connections.states import IllegalTransition
from include.loading import FAILURES as LOAD_FAILURES


class Declined(Exception):
    """The person does not want it after all."""


class PortTaken(Exception):
    """Another program listens where Sentry is to send the browser."""


FAILURES = (
    *LOAD_FAILURES,
    AlreadyConnected,
    ApplicationMissing,
    AuthorizingFailed,
    Declined,
    IllegalTransition,
    InvalidState,
    PortTaken,
)
"""Each says in a sentence what to do."""

"""Keeping the tokens of connections good: renewed early, once, and by whoever comes first."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from dlt_sources.sentry.errors import Fatal, Retryable, SentryError, Unreachable
from include.connections.application import ApplicationMissing, application
from include.connections.errors import (
    AuthorizingFailed,
    ClientRejected,
    InvalidGrant,
    OAuthUnreachable,
)
from include.connections.losses import Disconnected, RenewalRefused
from include.connections.registry import Registry
from include.connections.states import Reason
from include.connections.tokens import CLAIM, Claim, ConnectionSecrets, Grant, NoSecrets
from include.settings import Settings

log = logging.getLogger(__name__)

LONGEST = timedelta(days=7)
"""Tokens that are older are renewed, however long they would last."""

KEPT_AFTER_EXPIRY = timedelta(days=30)
"""How long Sentry keeps a refresh token beside an expired one (API_TOKEN_TTL_IN_DAYS)."""

REPLICATION = timedelta(seconds=20)
"""A token so new may not be known yet where it is checked (`ApiTokenReplica`).

A newer one would not be known for still longer; so it is not renewed because it was rejected.
"""

PATIENCE_S = CLAIM.total_seconds() + 15
"""How long to wait for another process that renews: until its claim has lapsed."""

POLL_S = 0.2
SAVING_S = 60
"""How long to try to store what a renewal brought: it is nowhere else, and given once."""

_FAILURES = (ApplicationMissing, AuthorizingFailed, SentryError)


class CannotRenew(Fatal):
    """A renewal failed, and whoever runs this installation has to act; nothing is lost yet."""


class Renewing:
    """Returns access tokens that are good. Safe to use from several threads and processes.

    Args:
        settings: The application's.
        registry: Keeps the tokens.
        actor: Who is written down to have found out that a connection is lost.
    """

    def __init__(self, settings: Settings, registry: Registry, actor: str = "renewal") -> None:
        self._settings = settings
        self._registry = registry
        self._tokens = registry.tokens
        self._actor = actor

    def token(self, connection_id: str) -> str:
        """Return a connection's access token, renewed first if half its time is over.

        Without need, that is; so if it fails, the token is good still. Whether access was revoked
        is then for Sentry's API to say, which knows more about it than the token endpoint.

        Raises:
            Disconnected: A person disconnected it.
            RenewalRefused: It is lost, and is disconnected with the reason from now on.
            CannotRenew: The token expired, and this installation has to be corrected first.
            Retryable: The token expired, and Sentry does not answer.
        """
        secrets = self._secrets(connection_id)
        now = datetime.now(UTC)
        if not _is_due(secrets, now):
            return secrets.token
        try:
            return self._renewal(connection_id, secrets.generation)
        except (Disconnected, RenewalRefused):
            raise
        except _FAILURES as failure:
            if _is_expired(secrets, now):
                raise self._meaning(failure, connection_id, secrets) from None
            log.warning(
                "The access token of %s could not be renewed early; the one in use is good still, "
                "and renewing it is tried again with the next load. %s",
                connection_id,
                failure,
            )
            return secrets.token

    def renewed(self, connection_id: str, rejected: str) -> str:
        """Return another access token for one that Sentry rejected, or that one if there is none.

        Args:
            connection_id: The connection.
            rejected: The access token that was rejected.

        Raises:
            Disconnected: A person disconnected it.
            RenewalRefused: It is lost, and is disconnected with the reason from now on.
            CannotRenew: This installation has to be corrected first.
            Retryable: Sentry does not answer, or does not know the newest token yet.
        """
        secrets = self._secrets(connection_id)
        now = datetime.now(UTC)
        if secrets.token != rejected:
            return secrets.token
        if secrets.refresh_token is None:
            return rejected
        if now - secrets.obtained_at < REPLICATION and not _is_expired(secrets, now):
            raise Retryable(
                "Sentry does not know the new access token of this connection everywhere yet. Run "
                "again in a minute."
            )
        try:
            return self._renewal(connection_id, secrets.generation)
        except (Disconnected, RenewalRefused):
            raise
        except _FAILURES as failure:
            raise self._meaning(failure, connection_id, secrets) from None

    def _renewal(self, connection_id: str, generation: int) -> str:
        """Return the token that follows a generation, from Sentry or from whoever asks already.

        Raises:
            RenewalRefused: An earlier renewal had no outcome, and Sentry keeps none.
            Retryable: Whoever asks does not come to an end.
            Exception: One of `_FAILURES`.
        """
        deadline = time.monotonic() + PATIENCE_S
        while True:
            with _unless_disconnected():
                claim = self._tokens.claim(connection_id, generation)
            if claim is not None:
                return self._ask(claim, generation)
            newest = self._secrets(connection_id)
            if newest.generation != generation:
                return newest.token
            if time.monotonic() > deadline:
                raise Retryable(
                    "Another process renews the access token of this connection, and does not come "
                    "to an end. Run again in some minutes."
                )
            time.sleep(POLL_S)

    def _ask(self, claim: Claim, generation: int) -> str:
        """Let Sentry renew the tokens of a claim, and return the new one once it is stored."""
        # Slow to import, and seldom needed.
        from include.connections.oauth import OAuth  # noqa: PLC0415

        try:
            connection = self._registry.get(claim.connection_id)
            oauth = OAuth(application(self._settings, connection.base_url))
            grant = oauth.renew(claim.refresh_token)
        except _FAILURES as failure:
            is_open = isinstance(failure, OAuthUnreachable) and failure.may_have_happened
            with _unless_disconnected():
                self._tokens.release(claim, may_have_happened=is_open)
            if isinstance(failure, InvalidGrant) and claim.is_second:
                lost = self._lost(claim.connection_id, Reason.RENEWAL_LOST, generation)
                raise lost from None
            raise
        self._settle(claim, grant)
        return grant.access_token

    def _secrets(self, connection_id: str) -> ConnectionSecrets:
        with _unless_disconnected():
            return self._tokens.of(connection_id)

    def _settle(self, claim: Claim, grant: Grant) -> None:
        for attempt in Retrying(
            retry=retry_if_exception_type(SQLAlchemyError),
            stop=stop_after_delay(SAVING_S),
            wait=wait_fixed(1),
            reraise=True,
        ):
            with attempt, _unless_disconnected():
                self._tokens.settle(claim, grant)

    def _meaning(
        self, failure: Exception, connection_id: str, secrets: ConnectionSecrets
    ) -> SentryError:
        """Return what a failed renewal means for a connection whose token is good no more."""
        if isinstance(failure, InvalidGrant):
            is_old = _is_expired(secrets, datetime.now(UTC) - KEPT_AFTER_EXPIRY)
            reason = Reason.EXPIRED if is_old else Reason.REVOKED
            return self._lost(connection_id, reason, secrets.generation)
        if isinstance(failure, ClientRejected):
            return self._lost(connection_id, Reason.CLIENT_REJECTED, secrets.generation)
        if isinstance(failure, OAuthUnreachable):
            return Unreachable(str(failure))
        if isinstance(failure, SentryError):
            return failure
        return CannotRenew(str(failure))

    def _lost(self, connection_id: str, reason: Reason, generation: int) -> RenewalRefused:
        self._registry.lose(connection_id, reason, self._actor, generation)
        return RenewalRefused(reason)


@contextmanager
def _unless_disconnected() -> Iterator[None]:
    try:
        yield
    except NoSecrets as gone:
        raise Disconnected(str(gone)) from None


def _is_due(secrets: ConnectionSecrets, now: datetime) -> bool:
    """Tell whether a token is to be renewed: after half of its time, and at least weekly."""
    if secrets.refresh_token is None:
        return False
    due_at = secrets.obtained_at + LONGEST
    if secrets.expires_at is not None:
        half = (secrets.expires_at - secrets.obtained_at) / 2
        due_at = min(due_at, secrets.obtained_at + half)
    return due_at <= now


def _is_expired(secrets: ConnectionSecrets, now: datetime) -> bool:
    return secrets.expires_at is not None and secrets.expires_at <= now

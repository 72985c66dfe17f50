"""Consents that were asked for, and that a callback may answer once."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from hmac import compare_digest

from sqlalchemy import delete

from include.connections.database import Database
from include.connections.models import AuthorizationRow
from include.connections.vault import Vault

LIFETIME = timedelta(minutes=10)
"""As long as Sentry's codes are good (`models/apigrant.py`)."""


class InvalidState(Exception):
    """A callback that answers nothing we asked for, or comes too late, twice, or from elsewhere."""


@dataclass(frozen=True, slots=True, repr=False)
class Authorization:
    """A consent that is asked for.

    Attributes:
        redirect_uri: Where Sentry is to send the browser.
        code_verifier: PKCE's.
        connection_id: The connection that is connected again; None for a new one.
    """

    redirect_uri: str
    code_verifier: str
    connection_id: str | None


@dataclass(frozen=True, slots=True, repr=False)
class Opened:
    """What the browser needs to come back with.

    Attributes:
        state: Goes through Sentry, and comes back in the callback's address.
        nonce: Stays in the browser, as a cookie.
    """

    state: str
    nonce: str


class Authorizations:
    """Keeps what was asked for until it is answered.

    Args:
        database: Holds them.
        vault: Encrypts the code verifiers.
    """

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    def open(self, authorization: Authorization, actor: str) -> Opened:
        """Keep a consent that a user is about to be asked for; forget those that expired."""
        opened = Opened(state=secrets.token_urlsafe(32), nonce=secrets.token_urlsafe(32))
        now = datetime.now(UTC)
        with self._database.writing() as session:
            session.execute(delete(AuthorizationRow).where(AuthorizationRow.expires_at <= now))
            session.add(
                AuthorizationRow(
                    state_digest=_digest(opened.state),
                    browser_digest=_digest(opened.nonce),
                    actor=actor,
                    code_verifier=self._vault.encrypt(authorization.code_verifier.encode()),
                    redirect_uri=authorization.redirect_uri,
                    connection_id=authorization.connection_id,
                    expires_at=now + LIFETIME,
                )
            )
        return opened

    def take(self, state: str, nonce: str, actor: str) -> Authorization:
        """Return what a callback answers, which no other callback can from now on.

        Args:
            state: From the callback's address.
            nonce: From the browser's cookie.
            actor: The user who is signed in.

        Raises:
            InvalidState: Nothing was asked for in this browser, by this user, within ten minutes.
        """
        now = datetime.now(UTC)
        with self._database.writing() as session:
            row = session.get(AuthorizationRow, _digest(state), with_for_update=True)
            if row is not None:
                session.delete(row)
        if (
            row is None
            or row.expires_at <= now
            or not compare_digest(row.browser_digest, _digest(nonce))
            or row.actor != actor
        ):
            raise InvalidState(
                "This answer of Sentry belongs to nothing that was asked for here: it came too "
                "late, for the second time, or from another browser or user. Nothing was "
                "connected. Connect again from the page Integrations."
            )
        return Authorization(
            redirect_uri=row.redirect_uri,
            code_verifier=self._vault.decrypt(row.code_verifier).decode(),
            connection_id=row.connection_id,
        )


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()

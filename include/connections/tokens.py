"""The tokens and salts of connections, and renewals of tokens that happen once.

Sentry rotates both tokens at a renewal, atomically and without grace: two renewals at once, or one
whose answer is lost, lose the connection (`models/apitoken.py::refresh`). So a renewal is claimed
in the connection's row before it is sent, and the new tokens are committed before anybody gets
them. The claim does not hold a transaction open while Sentry answers; it ends with the renewal, or
after `CLAIM` if whoever made it died.
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from include.connections.database import Database
from include.connections.models import AuthorizationRow, Base, PurgeRow, SecretsRow
from include.connections.vault import Vault

CLAIM = timedelta(minutes=2)
"""A claim so old is that of a process that died: a renewal takes a minute at most."""

ENCRYPTED: dict[type[Base], tuple[str, ...]] = {
    SecretsRow: ("salt", "access_token", "refresh_token"),
    AuthorizationRow: ("code_verifier",),
    PurgeRow: ("words", "marks"),
}
"""Every column that the vault encrypts, by table."""


class NoSecrets(Exception):
    """The connection has no tokens: it was disconnected."""


@dataclass(frozen=True, slots=True, repr=False)
class Grant:
    """What Sentry gave for a consent or a renewal.

    Attributes:
        access_token: For requests.
        refresh_token: For the next renewal; None where there is none.
        expires_at: When the access token expires; None if it does not.
        scopes: What it is good for.
    """

    access_token: str
    refresh_token: str | None
    expires_at: datetime | None
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True, repr=False)
class ConnectionSecrets:
    """The secrets of a connection, for immediate use.

    Attributes:
        token: OAuth access token.
        refresh_token: What renews it; None where there is none.
        scopes: What the token is good for.
        obtained_at: When it was stored.
        expires_at: When it expires; None if it does not.
        generation: Counts the tokens that were stored.
        salt: Key of the pseudonyms.
    """

    token: str
    refresh_token: str | None
    scopes: frozenset[str]
    obtained_at: datetime
    expires_at: datetime | None
    generation: int
    salt: bytes


@dataclass(frozen=True, slots=True, repr=False)
class Claim:
    """The right to renew the tokens of a connection, for a while.

    Attributes:
        connection_id: The connection.
        holder: What tells this claim from another.
        refresh_token: What is to be renewed.
        is_second: An earlier renewal with the same refresh token ended without an outcome: if
            Sentry does not know it any more, that was why.
    """

    connection_id: str
    holder: str
    refresh_token: str
    is_second: bool


class Tokens:
    """Reads and writes the secrets of connections.

    Args:
        database: Holds them.
        vault: Encrypts them.
    """

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    def of(self, connection_id: str) -> ConnectionSecrets:
        """Return a connection's secrets.

        Raises:
            NoSecrets: It has none.
            VaultLocked: They were encrypted with another key.
        """
        with self._database.reading() as session:
            row = _row(session, connection_id)
        return ConnectionSecrets(
            token=self._vault.decrypt(row.access_token).decode(),
            refresh_token=self._read(row.refresh_token),
            scopes=frozenset(row.scopes),
            obtained_at=row.obtained_at,
            expires_at=row.expires_at,
            generation=row.generation,
            salt=self._vault.decrypt(row.salt),
        )

    def add(self, session: Session, connection_id: str, grant: Grant) -> None:
        """Add the secrets of a new connection, with a salt of its own."""
        row = SecretsRow(
            connection_id=connection_id,
            salt=self._vault.encrypt(secrets.token_bytes(32)),
            generation=0,
        )
        self._store(row, grant)
        session.add(row)

    def replace(self, session: Session, connection_id: str, grant: Grant) -> None:
        """Replace a connection's tokens; the salt stays, and with it the pseudonyms.

        Raises:
            NoSecrets: It has none.
        """
        self._store(_row(session, connection_id, lock=True), grant)

    def claim(self, connection_id: str, generation: int) -> Claim | None:
        """Return the right to renew a connection's tokens, or None if another process has it.

        None, too, if the tokens have been renewed since: they are to be read again.

        Args:
            connection_id: The connection.
            generation: Of the tokens that are to be renewed.

        Raises:
            NoSecrets: It has none, or none that can be renewed.
        """
        now = datetime.now(UTC)
        with self._database.writing() as session:
            row = _row(session, connection_id, lock=True)
            if row.generation != generation or _is_claimed(row, now):
                return None
            refresh_token = self._read(row.refresh_token)
            if refresh_token is None:
                raise NoSecrets(
                    f"There is nothing to renew the access token of {connection_id} with. Connect "
                    "the organization again when it expires."
                )
            is_second = row.renewing_since is not None
            row.renewing_since, row.renewing_by = now, secrets.token_hex(16)
            return Claim(
                connection_id=connection_id,
                holder=row.renewing_by,
                refresh_token=refresh_token,
                is_second=is_second,
            )

    def settle(self, claim: Claim, grant: Grant) -> None:
        """Store what a renewal brought; durable when this returns.

        It is stored even if the claim was taken over meanwhile: of two renewals, Sentry lets one
        succeed only. Not if the connection was connected again, though: then these are old.

        Raises:
            NoSecrets: The connection was disconnected meanwhile.
        """
        with self._database.writing() as session:
            row = _row(session, claim.connection_id, lock=True)
            if self._read(row.refresh_token) == claim.refresh_token:
                self._store(row, grant)

    def release(self, claim: Claim, *, may_have_happened: bool) -> None:
        """Give back a claim that brought nothing, so that the next one need not wait.

        Args:
            claim: The claim.
            may_have_happened: Sentry may have renewed the tokens, and only the answer is lost. The
                next claim is a second one then; as it is after one that was a second one itself.
        """
        with self._database.writing() as session:
            row = _row(session, claim.connection_id, lock=True)
            if row.renewing_by == claim.holder:
                row.renewing_by = None
                if not (may_have_happened or claim.is_second):
                    row.renewing_since = None

    def encrypt_anew(self) -> int:
        """Encrypt everything that is stored with the newest key; return how many connections."""
        with self._database.writing() as session:
            for kind, columns in ENCRYPTED.items():
                for row in session.scalars(select(kind).with_for_update()):
                    for column in columns:
                        if (stored := getattr(row, column)) is not None:
                            setattr(row, column, self._vault.rotate(stored))
            return session.scalars(select(func.count()).select_from(SecretsRow)).one()

    def _store(self, row: SecretsRow, grant: Grant) -> None:
        row.access_token = self._vault.encrypt(grant.access_token.encode())
        row.refresh_token = (
            None
            if grant.refresh_token is None
            else self._vault.encrypt(grant.refresh_token.encode())
        )
        row.scopes = sorted(grant.scopes)
        row.obtained_at, row.expires_at = datetime.now(UTC), grant.expires_at
        row.generation += 1
        row.renewing_since = row.renewing_by = None

    def _read(self, stored: bytes | None) -> str | None:
        return None if stored is None else self._vault.decrypt(stored).decode()


def _is_claimed(row: SecretsRow, now: datetime) -> bool:
    """Tell whether somebody is renewing: not if they gave up, or died."""
    return (
        row.renewing_by is not None
        and row.renewing_since is not None
        and now - row.renewing_since < CLAIM
    )


def _row(session: Session, connection_id: str, *, lock: bool = False) -> SecretsRow:
    row = session.get(SecretsRow, connection_id, with_for_update=True if lock else None)
    if row is None:
        raise NoSecrets(
            f"The connection {connection_id} was disconnected: there is no token any more. Connect "
            "the organization again."
        )
    return row

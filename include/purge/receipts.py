"""Receipts: what was deleted of a connection, when, and what the search afterwards found.

A receipt holds nothing that was collected, and stays. They form a chain: each holds the hash of the
one before, so none can be changed, removed or put in between without all later ones being made
anew. Whoever keeps a downloaded receipt can tell whether the chain is still the one it came from.
"""

import secrets
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import scrypt, sha256
from hmac import compare_digest
from importlib.metadata import version

import msgspec
from msgspec import Struct, field
from sqlalchemy import Select, select, text
from sqlalchemy.orm import Session

from include.connections.database import Database
from include.connections.models import ReceiptRow
from include.connections.registry import Registry
from include.purge.amounts import Amounts
from include.purge.page import page

FIRST = "0" * 64
"""What the first receipt holds instead of the hash of the one before."""

_CHAIN_LOCK = 727_002
"""Postgres' number for the lock under which receipts are appended."""

COST = {"n": 2**14, "r": 8, "p": 1}
"""Of scrypt: trying out organization ids takes long, checking one does not."""


class ChainBroken(Exception):
    """The chain of receipts is not as it was written. Says which receipt shows it."""


class UnknownReceipt(Exception):
    """There is no such receipt."""


class Kind(StrEnum):
    """What a receipt is about: a purge, or a later look at one."""

    PURGE = "purge"
    CHECK = "check"


class Organization(Struct, frozen=True, kw_only=True):
    """Which organization it was, for those who know its id; see `is_organization`.

    Attributes:
        method: How the hash is made.
        salt, hash: Hexadecimal.
    """

    method: str
    salt: str
    hash: str


class StepDone(Struct, frozen=True, kw_only=True):
    """One step of a purge.

    Attributes:
        step: Its name.
        title: What it deletes, for people.
        is_done: Whether it is done.
        deleted: How much it deleted.
        note: What else is to be said.
    """

    step: str
    title: str
    is_done: bool
    deleted: Amounts
    note: str | None = None


class Verified(Struct, frozen=True, kw_only=True):
    """What the search afterwards found.

    Attributes:
        is_clean: Nothing is left but, where others put it, the connection's id alone.
        places: Where it searched.
        files, bytes: How much.
        paths: It searched for names with the connection's id in them.
        words, marks: For so many values that the connection had held, and random marks of its rows.
        found: What it found and deleted then, by place: what a late writer left, a restored file.
        left: What it found and cannot delete, by place.
    """

    is_clean: bool
    places: list[str]
    files: int
    bytes: int
    words: int
    marks: int
    found: dict[str, int] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)


class Receipt(Struct, frozen=True, kw_only=True):
    """A receipt.

    Attributes:
        number: Its place in the chain, from 1.
        previous: Hash of the receipt before.
        kind: What it is about.
        connection: Opaque id of the connection.
        organization: Which organization that was; None for a check, whose purge says it.
        purge: Hash of the purge's receipt that a check is about.
        requested_at: When it was disconnected.
        completed_at: When this was done.
        steps: What was deleted.
        verification: What the search afterwards found.
        software: What did it.
        not_covered: What cannot be deleted from here.
    """

    number: int
    previous: str
    kind: Kind
    connection: str
    organization: Organization | None
    purge: str | None
    requested_at: datetime | None
    completed_at: datetime
    steps: list[StepDone]
    verification: Verified | None
    software: str
    not_covered: list[str]

    @property
    def hash(self) -> str:
        """Its hash, which the next one holds."""
        return _hash(_encoded(self))

    def to_json(self) -> str:
        """Return the receipt as JSON, byte by byte as it is in the chain."""
        return _encoded(self)

    def to_html(self) -> str:
        """Return the receipt as a page for people, complete in itself."""
        return page(self)

    def is_organization(self, organization_id: str) -> bool:
        """Tell whether it is about an organization whose id one knows."""
        if self.organization is None:
            return False
        salt = bytes.fromhex(self.organization.salt)
        return compare_digest(_organization(organization_id, salt).hash, self.organization.hash)


class Draft(Struct, frozen=True, kw_only=True):
    """A receipt that has no place in the chain yet; see `Receipt`."""

    kind: Kind
    connection: str
    organization: Organization | None = None
    purge: str | None = None
    requested_at: datetime | None = None
    steps: list[StepDone] = field(default_factory=list)
    verification: Verified | None = None


NOT_COVERED = [
    "Backups and snapshots of the data folder, of the registry and of Airflow's database",
    "Older versions of objects where an object store keeps them",
    "Copies that people made of published tables",
    "Airflow's audit log, which names the connection by its opaque id only",
    "Task logs that Airflow keeps elsewhere than on this machine",
    "The authorization in Sentry, which the organization's members can remove there",
]
"""What cannot be deleted from here; `docs/purge.md` says what bounds each."""


class Receipts:
    """Reads and appends receipts; nothing changes or removes one.

    Args:
        database: Holds them.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[Receipt]:
        """Return all receipts, the newest one first."""
        return self._read(select(ReceiptRow))

    def of(self, connection_id: str) -> list[Receipt]:
        """Return the receipts of a connection, the newest one first."""
        return self._read(select(ReceiptRow).filter_by(connection_id=connection_id))

    def get(self, number: int) -> Receipt:
        """Return a receipt.

        Raises:
            UnknownReceipt: There is none with this number.
        """
        found = self._read(select(ReceiptRow).filter_by(number=number))
        if not found:
            raise UnknownReceipt(f"There is no receipt {number}: the list shows which there are.")
        return found[0]

    def append(self, draft: Draft) -> Receipt:
        """Append a receipt."""
        with self._database.writing() as session:
            return append(session, draft)

    def verify_chain(self) -> int:
        """Check that no receipt was changed, removed or put in between; return how many there are.

        Raises:
            ChainBroken: One was.
        """
        wanted = select(ReceiptRow).order_by(ReceiptRow.number)
        previous, number = FIRST, 0
        with self._database.reading() as session:
            for number, row in enumerate(session.scalars(wanted), start=1):
                _check(row, number, previous)
                previous = row.hash
        return number

    def _read(self, wanted: Select[ReceiptRow]) -> list[Receipt]:
        with self._database.reading() as session:
            rows = session.scalars(wanted.order_by(ReceiptRow.number.desc()))
            return [msgspec.json.decode(row.body, type=Receipt) for row in rows]


def open_receipts(registry: Registry) -> Receipts:
    """Return the receipts of a registry."""
    return Receipts(registry.database)


def append(session: Session, draft: Draft) -> Receipt:
    """Append a receipt in a transaction that does more than that."""
    if session.get_bind().dialect.name == "postgresql":
        # SQLite has one writer at a time anyway.
        session.execute(text("select pg_advisory_xact_lock(:id)"), {"id": _CHAIN_LOCK})
    last = session.scalars(select(ReceiptRow).order_by(ReceiptRow.number.desc()).limit(1)).first()
    receipt = Receipt(
        number=last.number + 1 if last else 1,
        previous=last.hash if last else FIRST,
        completed_at=datetime.now(UTC),
        software=f"corvana-sentry {version('corvana-sentry')}",
        not_covered=NOT_COVERED,
        **msgspec.structs.asdict(draft),
    )
    session.add(
        ReceiptRow(
            number=receipt.number,
            connection_id=receipt.connection,
            issued_at=receipt.completed_at,
            body=receipt.to_json(),
            hash=receipt.hash,
        )
    )
    session.flush()
    return receipt


def organization(organization_id: str) -> Organization:
    """Return what tells an organization, to those who know its id, with a salt of its own."""
    return _organization(organization_id, secrets.token_bytes(16))


def _organization(organization_id: str, salt: bytes) -> Organization:
    digest = scrypt(organization_id.encode(), salt=salt, dklen=32, **COST)
    method = f"scrypt of the organization's id, {', '.join(f'{k} = {v}' for k, v in COST.items())}"
    return Organization(method=method, salt=salt.hex(), hash=digest.hex())


def _check(row: ReceiptRow, number: int, previous: str) -> None:
    """Check a link of the chain."""
    is_whole = row.number == number and _hash(row.body) == row.hash
    if is_whole:
        try:
            receipt = msgspec.json.decode(row.body, type=Receipt)
        except msgspec.DecodeError:
            is_whole = False
        else:
            is_whole = (receipt.number, receipt.previous) == (number, previous)
    if not is_whole:
        raise ChainBroken(
            f"The chain of receipts is broken at number {number}: that receipt was changed, or one "
            "before it is missing. Compare with downloaded receipts, and restore the registry's "
            "table `receipts` from a backup."
        )


def _encoded(receipt: Receipt) -> str:
    return msgspec.json.encode(receipt, order="deterministic").decode()


def _hash(body: str) -> str:
    return sha256(body.encode()).hexdigest()

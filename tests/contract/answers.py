"""What becomes of an answer of Sentry's: decoded, made rows of, settled, made Arrow, as in a load.

And how an answer is poisoned: everything in it that is not declared becomes a canary.
"""

from __future__ import annotations

import logging
import traceback
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa
from msgspec import inspect

from dlt_sources.sentry import allowlist, rows
from dlt_sources.sentry.checks import Checks
from dlt_sources.sentry.decoding import decode
from dlt_sources.sentry.errors import UnexpectedResponse
from dlt_sources.sentry.pseudonyms import Pseudonyms
from dlt_sources.sentry.tables import TABLES, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

SHARED = Path(__file__).parents[3] / "shared" / "sentry-api"
NO_FACTS = f"Sentry's description is not beside the checkout: {SHARED}"

CANARY = "c4n4ry <jane@c4n4ry.example>\n"
MARK = "c4n4ry"
"""What is searched for; a canary breaks the rule of every word and label."""

PSEUDONYMS = Pseudonyms(b"a salt of the connection")
NOW = datetime(2026, 11, 2, tzinfo=UTC)
NAMES = {table.row: name for name, table in TABLES.items()}


Warnings = Counter[str]


def _releases(found: list[allowlist.Release], _: Warnings) -> Iterator[Row]:
    for release in found:
        yield rows.release_row(release)
        yield from rows.release_project_rows(release)


def _deploys(found: list[allowlist.Deploy], _: Warnings) -> Iterator[Row]:
    release = allowlist.Release(id=3, version="shop@1.4.0")
    return (rows.deploy_row(deploy, release) for deploy in found)


def _activities(feed: allowlist.ActivityFeed, warnings: Warnings) -> Iterator[Row]:
    return (rows.activity_row(one, "5", PSEUDONYMS, warnings) for one in feed.activity)


def _release_counts(counts: allowlist.IssueReleaseCounts, _: Warnings) -> Iterator[Row]:
    for one in counts.data:
        yield rows.issue_release_volume_row(
            date(2026, 11, 1), one.project_id, one.issue_id, one.release or "", one.count
        )


READERS: dict[str, tuple[Any, Callable[[Any, Warnings], Iterable[Row]]]] = {
    "organization": (allowlist.Organization, lambda one, _: [rows.organization_row(one)]),
    "projects": (list[allowlist.Project], lambda found, _: map(rows.project_row, found)),
    "environments": (
        list[allowlist.Environment],
        lambda found, _: map(rows.environment_row, found),
    ),
    "releases": (list[allowlist.Release], _releases),
    "deploys": (list[allowlist.Deploy], _deploys),
    "issues": (
        list[allowlist.Issue],
        lambda found, _: [rows.issue_row(one, PSEUDONYMS, NOW) for one in found],
    ),
    "issue": (allowlist.IssueIdentity, lambda *_: []),
    "activities": (allowlist.ActivityFeed, _activities),
    "outcomes": (allowlist.OutcomeStats, lambda stats, _: rows.error_volume_rows("7", stats)),
    "event_counts": (allowlist.IssueReleaseCounts, _release_counts),
    "issue_counts": (allowlist.IssueTimeSeries, lambda *_: []),
    "error": (allowlist.ErrorBody, lambda *_: []),
}
"""What each answer is decoded as, and the rows made of it."""


@dataclass
class Collected:
    """What is left of an answer."""

    tables: dict[str, pa.Table] = field(default_factory=dict)
    warnings: Counter[str] = field(default_factory=Counter)
    failure: Exception | None = None
    said: str = ""

    def everything(self) -> bytes:
        """All that was stored, counted, logged or raised."""
        stored = b"".join(_bytes(table) for table in self.tables.values())
        return stored + self.said.encode(errors="backslashreplace")

    def texts(self) -> set[str]:
        """Every text that was stored."""
        rows_ = (row for table in self.tables.values() for row in table.to_pylist())
        return {value for row in rows_ for value in row.values() if isinstance(value, str)}


def collect(name: str, content: bytes) -> Collected:
    """Do with an answer what a load does. Only what says that it cannot be read may stop it."""
    kind, build = READERS[name]
    collected = Collected()
    checks = Checks(PSEUDONYMS, collected.warnings)
    said: list[str] = []
    with logs_into(said):
        try:
            answer = decode(content, kind, collected.warnings)
            settled = [checks.settle(row) for row in build(answer, collected.warnings)]
            said.append(repr(settled))
            for row_type in dict.fromkeys(map(type, settled)):
                table = NAMES[row_type]
                mine = [row for row in settled if type(row) is row_type]
                collected.tables[table] = TABLES[table].to_arrow(mine)
        except (UnexpectedResponse, msgspec.DecodeError) as failure:
            collected.failure = failure
            said += traceback.format_exception(failure)
    collected.said = "\n".join([*said, repr(collected.warnings)])
    return collected


class logs_into(logging.Handler):  # noqa: N801 - reads as what it does
    """Collects everything that anything logs, at any level."""

    def __init__(self, said: list[str]) -> None:
        super().__init__(logging.NOTSET)
        self.said = said

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(f"{record.getMessage()} {record.exc_info}")

    def __enter__(self) -> None:
        self.level_before = logging.root.level
        logging.root.addHandler(self)
        logging.root.setLevel(logging.NOTSET)

    def __exit__(self, *_: object) -> None:
        logging.root.removeHandler(self)
        logging.root.setLevel(self.level_before)


def poisoned(value: Any, kind: Any) -> Any:
    """Return an answer with canaries in all that its Struct does not declare, and in new fields.

    Args:
        value: The answer.
        kind: What it is decoded as; nothing if it is not declared.
    """
    declared = None if kind is None else declared_type(kind, value)
    if isinstance(value, list):
        item = getattr(declared, "item_type", None)
        return [poisoned(one, item) for one in value] + ([] if item else [CANARY])
    if isinstance(value, dict):
        fields = fields_of(declared, value)
        kept = {key: poisoned(one, fields.get(key)) for key, one in value.items()}
        return kept | {CANARY: {CANARY: [CANARY]}, "new": CANARY}
    return CANARY if isinstance(value, str) and declared is None else value


def declared_type(kind: Any, value: Any) -> Any:
    """Return the part of a declared type that fits a JSON value, or the first part that is."""
    info = kind if isinstance(kind, inspect.Type) else inspect.type_info(kind)
    while isinstance(info, inspect.Metadata):
        info = info.type
    parts = info.types if isinstance(info, inspect.UnionType) else (info,)
    wanted = {dict: inspect.StructType, list: inspect.ListType}.get(type(value))
    fitting = [part for part in parts if wanted is None or isinstance(part, wanted)]
    return fitting[0] if fitting else None


def fields_of(declared: Any, value: dict[str, Any]) -> dict[str, Any]:
    """Return the declared fields of an object by their name in JSON, and their types.

    An activity's data is declared by the activity's type.
    """
    if not isinstance(declared, inspect.StructType):
        return {}
    fields = {one.encode_name: one.type for one in declared.fields}
    if declared.cls is allowlist.Activity:
        fields["data"] = allowlist.ACTIVITY_DATA.get(value.get("type", ""), allowlist.ActivityData)
    return fields


def _bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def encoded(value: Any) -> bytes:
    """Return an answer as it comes over the wire."""
    return msgspec.json.encode(value)

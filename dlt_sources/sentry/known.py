"""What the warehouse already holds, so that a load writes changes and only them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import UNSET
from msgspec.structs import astuple

from dlt_sources.sentry.tables import TABLES, IssueRow, Row

R = TypeVar("R", bound=Row)
Key = tuple[object, ...]

OUT_OF_REACH = "out_of_reach"
"""The tombstone of an issue in a project that is hidden from us, perhaps not forever."""

RECENT = timedelta(days=30)
"""Issues on which something happened within so long are swept by every load, open or not."""


class Known(Protocol):
    """Reads tables of the schema `raw`; a table that does not exist yet is empty."""

    def read(self, table: str, where: str, *, finished: bool) -> Iterator[pa.RecordBatch]:
        """Yield rows of a table.

        Args:
            table: Its name.
            where: An SQL condition without values from outside, or nothing.
            finished: Rows of loads that ended well, or those of loads that were cut off.
        """
        ...

    def query(self, sql: str) -> list[tuple[object, ...]]:
        """Return the rows of a query, in which `{name}` stands for a table; none without it."""
        ...


def known_rows(known: Known, table: str, row: type[R], where: str = "") -> dict[Key, R]:
    """Return a table's rows by primary key.

    A load merges its tables one by one. When it is cut off between two, the rows it left are not
    known: they are read and compared again, as if they had never come.
    """
    key_of = _key_of(table)
    found: dict[Key, R] = {}
    for batch in known.read(table, where, finished=True):
        for one in _as_rows(row, batch):
            found[key_of(one)] = one
    return found


def changed(
    table: str,
    rows: Iterable[R],
    known: Mapping[Key, R],
    settle: Callable[[R, R | None], R],
) -> list[R]:
    """Return the rows that are new or differ from the known ones.

    Args:
        table: Name of their table, for its primary key.
        rows: Rows as read; of several with the same key the last counts.
        known: Rows as stored, by primary key.
        settle: Finishes a row, given the stored one; see `checks.Checks.settle`.
    """
    key_of = _key_of(table)
    # A text in a key may be replaced: the key as stored is the one of the settled row.
    settled = (settle(row, known.get(key_of(row))) for row in rows)
    latest = {key_of(row): row for row in settled}
    return [row for key, row in latest.items() if differs(row, known.get(key))]


def differs(row: Row, known: Row | None, ignoring: tuple[str, ...] = ()) -> bool:
    """Tell whether a row is new or differs from the known one."""
    if known is None:
        return True
    return any(
        getattr(row, name) != getattr(known, name)
        for name in row.__struct_fields__
        if name not in ignoring
    )


class KnownIssues:
    """The issues in the warehouse as a load finds them, with how much of their history is known.

    Held, compared, chosen and sorted as Arrow, of which rows are made for the issues at hand only:
    of 200,000 issues, Python objects alone would take more than everything else together.

    Args:
        known: The warehouse.

    Attributes:
        live: How many are neither merged, deleted nor out of reach.
        explained: Of these, how many had their history read.
        cut_off_histories: Ids of issues of whose history a load that was cut off wrote parts.
    """

    def __init__(self, known: Known) -> None:
        finished = _table(known, "issues", finished=True)
        cut_off = _table(known, "issues", finished=False)
        self._rows = pa.concat_tables([cut_off, finished]).combine_chunks()
        self._finished_from = cut_off.num_rows
        self.cut_off_histories = _cut_off_histories(known)
        # A finished row comes later, so it wins over one that was cut off.
        ids = self._rows.column("id").to_pylist()
        self._places = {issue_id: place for place, issue_id in enumerate(ids)}
        histories = _table(known, "issue_histories", finished=True)
        self._histories = histories.select(["issue_id", "read_at", "last_activity_at"])
        self._present = self._with_histories()
        live = self._present.filter(pc.is_null(self._present["tombstone"]))
        self.live: int = live.num_rows
        self.explained: int = live.num_rows - live["read_at"].null_count

    def _with_histories(self) -> pa.Table:
        """Return what `present` chooses from: issues that are there or out of reach, by their ids.

        Merged and deleted ones are final.
        """
        places = pa.array(sorted(self._places.values()), pa.int64())
        rows = self._rows.select(["id", "project_id", "status", "tombstone", "observed_at"])
        is_cut_off = pc.less(places, self._finished_from)
        rows = rows.take(places).append_column("is_cut_off", is_cut_off)
        may_be_there = pc.is_in(rows["tombstone"], pa.array([None, OUT_OF_REACH]))
        rows = rows.filter(may_be_there).sort_by("id")
        of_history = pc.index_in(rows["id"], self._histories["issue_id"])
        for name in ("read_at", "last_activity_at"):
            rows = rows.append_column(name, self._histories[name].take(of_history))
        return rows

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, issue_id: object) -> bool:
        return issue_id in self._places

    def without_history(self, ids: Iterable[str]) -> int:
        """Return of how many issues no history was ever read."""
        wanted = pa.array(ids, pa.string())
        known = pc.sum(pc.is_in(wanted, self._histories["issue_id"])).as_py() or 0
        return len(wanted) - int(known)

    def stored(self, ids: Iterable[str]) -> dict[str, IssueRow]:
        """Return the rows of issues, those of cut-off loads too; unknown ids are absent."""
        return {row.id: row for row in self._take(ids, 0)}

    def settled(self, ids: Iterable[str]) -> dict[str, IssueRow]:
        """Return the rows of issues that a finished load wrote: what a change is judged by."""
        return {row.id: row for row in self._take(ids, self._finished_from)}

    def _take(self, ids: Iterable[str], lowest: int) -> Iterator[IssueRow]:
        places = [self._places[one] for one in ids if self._places.get(one, -1) >= lowest]
        if not places:
            return
        for batch in self._rows.take(pa.array(places, pa.int64())).to_batches():
            yield from _as_rows(IssueRow, batch)

    def unchanged(self, rows: Sequence[IssueRow]) -> set[str]:
        """Return the ids of rows as read that say what a finished load stored, and no more.

        UNSET says nothing. A sweep reads many issues of which few changed: comparing a hundred at
        once, column by column, takes a tenth of the time that a hundred stored rows would take.
        """
        places = [self._places.get(row.id, -1) for row in rows]
        compared = [
            row for row, place in zip(rows, places, strict=True) if place >= self._finished_from
        ]
        if not compared:
            return set()
        stored = self._rows.take(pa.array([one for one in places if one >= self._finished_from]))
        is_same = pa.array([True] * len(compared))
        columns = zip(*map(astuple, compared), strict=True)
        for name, values in zip(IssueRow.__struct_fields__, columns, strict=True):
            if name != "observed_at":
                is_same = _and_equal(is_same, values, stored[name])
        return {row.id for row, same in zip(compared, is_same.to_pylist(), strict=True) if same}

    def longest_unread(self, issues: pa.Table, count: int, but: set[str]) -> list[str]:
        """Return issues by when their histories were read, never read ones first.

        Args:
            issues: Some of `present`.
            count: How many to return at most.
            but: Ids of those to be left out.
        """
        wanted = issues.filter(pc.invert(pc.is_in(issues["id"], pa.array(but, pa.string()))))
        never = pa.scalar(datetime.fromtimestamp(0, UTC), wanted["read_at"].type)
        keys = pa.table({"read_at": pc.fill_null(wanted["read_at"], never), "id": wanted["id"]})
        order = [("read_at", "ascending"), ("id", "ascending")]
        ids: list[str] = keys.sort_by(order)["id"].slice(0, count).to_pylist()
        return ids

    def read_since(self, moment: datetime) -> set[str]:
        """Return the issues whose histories were read at a moment or later."""
        read_at = self._histories["read_at"]
        is_since = pc.greater_equal(read_at, pa.scalar(moment, read_at.type))
        return set(self._histories.filter(is_since)["issue_id"].to_pylist())

    def present(self, readable: Iterable[str]) -> pa.Table:
        """Return the issues that may be read by their id, in the order of their ids.

        Merged and deleted ones are final; those out of reach can come back with their project.

        Args:
            readable: Ids of the projects that may be read now.

        Returns:
            Columns `id`, `project_id`, `status`, `tombstone`, `observed_at`; `is_cut_off`: written
            by a load that was cut off; `read_at` and `last_activity_at` of their history (null if
            none was read).
        """
        is_here = pc.is_null(self._present["tombstone"])
        is_readable = pc.is_in(self._present["project_id"], pa.array(readable, pa.string()))
        return self._present.filter(pc.or_(is_here, is_readable))


def _and_equal(is_same: pa.Array, values: Sequence[Any], stored: pa.ChunkedArray) -> pa.Array:
    """Return which rows are the same still: as before, and equal in a column, too."""
    is_unset = [value is UNSET for value in values]
    if all(is_unset):
        return is_same
    if any(is_unset):
        values = [None if value is UNSET else value for value in values]
    try:
        read = pa.array(values, stored.type)
    except (pa.ArrowInvalid, OverflowError):  # a number out of range, for the checks to drop
        return pa.array([False] * len(values))
    known = stored.combine_chunks()
    if read.equals(known):
        return is_same
    is_equal = pc.fill_null(pc.equal(read, known), fill_value=False)
    both_null = pc.and_(pc.is_null(read), pc.is_null(known))
    return pc.and_(is_same, pc.or_(pc.or_(is_equal, both_null), pa.array(is_unset)))


def _cut_off_histories(known: Known) -> set[str]:
    tables = ("issue_histories", "issue_activities")
    parts = (known.read(table, "", finished=False) for table in tables)
    return {one for part in parts for batch in part for one in batch["issue_id"].to_pylist()}


def is_hot(issues: pa.Table, now: datetime) -> pa.ChunkedArray:
    """Tell which of `KnownIssues.present` are open, or had something happen lately.

    Open is what is neither resolved nor archived; a pending merge or deletion is watched, too.
    """
    is_closed = pc.is_in(issues["status"], pa.array(["resolved", "ignored"]))
    latest = pc.coalesce(issues["last_activity_at"], issues["observed_at"])
    is_recent = pc.greater(latest, pa.scalar(now - RECENT, latest.type))
    return pc.or_(pc.invert(is_closed), is_recent)


def _table(known: Known, name: str, *, finished: bool) -> pa.Table:
    schema = TABLES[name].schema
    batches = list(known.read(name, "", finished=finished))
    if not batches:
        return schema.empty_table()
    return pa.Table.from_batches(batches).select(schema.names).cast(schema)


def _as_rows(row: type[R], batch: pa.RecordBatch) -> Iterator[R]:
    columns = [batch.column(name).to_pylist() for name in row.__struct_fields__]
    for values in zip(*columns, strict=True):
        yield row(*values)


def _key_of(table: str) -> Callable[[Row], Key]:
    names = TABLES[table].primary_key
    return lambda row: tuple(getattr(row, name) for name in names)

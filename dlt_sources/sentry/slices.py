"""Slices of a load: rows that are merged together with the watermarks they move.

A load is a row of slices. What a kill costs is the slice under way, which takes a minute or so to
gather; what was committed before it is known to the next load.
"""

import time
from collections.abc import Iterable

import pyarrow as pa

from dlt_sources.sentry.changes import Batch
from dlt_sources.sentry.context import Load
from dlt_sources.sentry.history import Histories, explain, first_seen
from dlt_sources.sentry.tables import TABLES, Row

FULL_S = 60.0
"""A slice that took so many seconds to gather is full,"""

FULL_ROWS = 200_000
"""and one with so many rows, which bounds the memory."""


class Slice:
    """Rows by table, gathered until the slice is full.

    Args:
        load: The load, which counts them.
    """

    def __init__(self, load: Load) -> None:
        self.tables: dict[str, list[pa.Table]] = {}
        self.rows = 0
        self.ends_pass = False
        self._load = load
        self._started = time.monotonic()

    @property
    def is_full(self) -> bool:
        """Whether the slice should be committed before more is read."""
        return self.rows >= FULL_ROWS or (
            self.rows > 0 and time.monotonic() - self._started >= FULL_S
        )

    def add(self, table: str, rows: Iterable[Row]) -> None:
        """Add rows of a table, settled and compared already."""
        arrow = TABLES[table].to_arrow(rows)
        if arrow.num_rows:
            self.tables.setdefault(table, []).append(arrow)
            self.rows += arrow.num_rows
            self._load.rows[table] += arrow.num_rows

    def add_issues(self, batch: Batch) -> None:
        """Read what happened to issues and add both, so that no mart sees one without the other."""
        self.add_explained(batch, explain(self._load, batch.explain))

    def add_explained(self, batch: Batch, found: Histories) -> None:
        """Add issues with what happened to them."""
        self.add("issues", batch.rows)
        self.add("issue_activities", first_seen(self._load, batch.untouched))
        self._add(found)

    def add_histories(self, issue_ids: list[str]) -> int:
        """Read the histories of issues and add them; return how many activities were new."""
        found = explain(self._load, issue_ids)
        self._add(found)
        return len(found.activities)

    def _add(self, found: Histories) -> None:
        self.add("issue_activities", found.activities)
        self.add("issue_histories", found.histories)

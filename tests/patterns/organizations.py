"""Whole organizations as a load leaves them, made from the ground truth without any request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from dlt_sources.sentry.tables import TABLES, IssueHistoryRow
from tests.dbt.small_organization import load_run
from tests.integration.truth.warehouse import COLUMNS

if TYPE_CHECKING:
    from dlt_sources.sentry.tables import Row
    from tests.integration.truth.warehouse import Truth

SALT = b"the salt of the patterns' tests"


def raw_tables(truth: Truth) -> dict[str, pa.Table]:
    """Return every table of the schema `raw` after the loads that a ground truth was told of."""
    rows, tables = truth.tables(), {}
    for name, table in TABLES.items():
        if name == "load_runs":
            tables[name] = table.to_arrow(runs(truth))
        elif name == "issue_histories":
            tables[name] = table.to_arrow(_histories(truth))
        else:
            tables[name] = _table(name, table.schema, sorted(rows.get(name, ()), key=repr))
    return tables


def runs(truth: Truth) -> list[Row]:
    """Return the loads, each of which came to its end."""
    return [load_run(f"run-{place}", at) for place, at in enumerate(truth.ledger.loads)]


def _histories(truth: Truth) -> list[Row]:
    return [
        IssueHistoryRow(issue_id, read_at, shown, shown >= 100, read_at)
        for issue_id, read_at in truth.ledger.explained.items()
        for shown in [truth.ledger.shown[issue_id]]
    ]


def _table(name: str, schema: pa.Schema, rows: list[tuple[object, ...]]) -> pa.Table:
    if not rows:
        return schema.empty_table()
    columns = dict(zip(COLUMNS[name], zip(*rows, strict=True), strict=True))
    if name == "issue_activities":
        columns["id"] = tuple(str(place) for place in range(len(rows)))
    return pa.table(
        {field.name: pa.array(columns[field.name], type=field.type) for field in schema}
    )

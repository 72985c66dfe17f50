"""How recent and how complete what the report shows is."""

from dataclasses import dataclass
from datetime import datetime

from include.report.chart import counted
from include.report.marts import Marts

TABLES = """
select table_name, coverage_status, coverage_reason, row_count, covered_from_at, latest_at
from data_freshness order by table_name
"""

INCOMPLETE = """
select coalesce(project_slug, project_id) from dim_project
where not is_history_complete and project_state = 'listed' order by 1
"""

LOST = """
select coalesce(project_slug, project_id) from dim_project where project_state = 'lost' order by 1
"""

NAMED = 5
"""Projects that are named one by one in a sentence."""


@dataclass(frozen=True, slots=True)
class TableState:
    """How complete a table of raw data is."""

    name: str
    status: str
    reason: str
    rows: int
    covered_from: datetime | None
    latest: datetime | None


@dataclass(frozen=True, slots=True)
class Freshness:
    """How complete everything is.

    Attributes:
        tables: Each table of raw data.
        caveats: What readers have to know first, in sentences.
    """

    tables: tuple[TableState, ...]
    caveats: tuple[str, ...]


def freshness(marts: Marts) -> Freshness:
    """Return how complete everything is."""
    tables = tuple(
        TableState(name, status, (reason or "").replace("_", " "), rows, since, latest)
        for name, status, reason, rows, since, latest in marts.rows(TABLES)
    )
    return Freshness(tables, tuple(_caveats(marts)))


def _caveats(marts: Marts) -> list[str]:
    incomplete = [name for (name,) in marts.rows(INCOMPLETE)]
    lost = [name for (name,) in marts.rows(LOST)]
    caveats = []
    if incomplete:
        caveats.append(
            f"History of {_named(incomplete)} is still being read. Until it is, their issues are "
            "left out of everything about resolution and assignment, and they have no findings."
        )
    if lost:
        caveats.append(
            f"{_named(lost)} cannot be read any more (deleted, hidden, or access was lost): what "
            "is shown of them is as of the last load that could."
        )
    return caveats


def _named(names: list[str]) -> str:
    if len(names) > NAMED:
        return counted(len(names), "project")
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))

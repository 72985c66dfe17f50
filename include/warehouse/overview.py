"""What a warehouse says of a connection as a whole: its organization, and how much is covered."""

from dataclasses import dataclass

import duckdb

from include.warehouse.backend import Warehouse


@dataclass(frozen=True, slots=True)
class Overview:
    """A warehouse in a few words.

    Attributes:
        organization_id: Sentry's id of the organization.
        organization_slug: Its short name.
        projects: Projects that are read.
        hidden: Projects that are not shown to us (any more).
        since: The day from which on all tables are complete, ISO 8601; None while that is open.
        is_backfilled: No history waits to be read.
    """

    organization_id: str
    organization_slug: str
    projects: int
    hidden: int
    since: str | None
    is_backfilled: bool


QUERY = """
with covered as (
    select
        count_if(subject = 'project' and status = 'complete') as projects,
        count_if(subject = 'project' and status = 'lost') as hidden,
        strftime(max(covered_from) filter (subject = 'table'), '%Y-%m-%d') as since
    from raw.load_coverage
),
latest as (
    select is_backfilled from raw.load_runs order by as_of desc, _dlt_load_id desc limit 1
)
select id, slug, projects, hidden, since, is_backfilled
from raw.organizations cross join covered cross join latest
"""


def overview(warehouse: Warehouse) -> Overview | None:
    """Return the overview of a connection's warehouse; None before its first complete load.

    None, too, while it cannot be read: a load that succeeded must not fail for this.
    """
    try:
        with warehouse.open_for_reading() as database:
            found = database.execute(QUERY).fetchone()
    except duckdb.Error:
        return None
    return None if found is None else Overview(*found)

"""What a load does, in which order."""

from collections.abc import Generator, Iterator

from dlt_sources.sentry.audit import add_audit, reconciled
from dlt_sources.sentry.backfill import backfilled
from dlt_sources.sentry.changes import changed_issues
from dlt_sources.sentry.context import Load
from dlt_sources.sentry.resources.releases import add_releases
from dlt_sources.sentry.resources.structure import add_structure
from dlt_sources.sentry.resources.volumes import add_changed_days, add_error_volume
from dlt_sources.sentry.server import check_server
from dlt_sources.sentry.slices import Slice
from dlt_sources.sentry.watermarks import is_due


def slices(load: Load) -> Iterator[Slice]:
    """Yield the slices of a load; each is to be committed before the next one is asked for.

    First what changed since the last load, then what waits of the history: a load that has no time
    for all of it leaves the rest to the next. In a connection's first load, of which nobody waits
    for what changed, the history is put into the same slice, as a commit takes half a second.
    """
    check_server(load)
    part = yield from _pass(load)
    if load.is_first and load.watermarks.backfills and load.has_time:
        yield from backfilled(load, part)
        return
    yield part
    yield from reconciled(load)
    yield from backfilled(load)


def _pass(load: Load) -> Generator[Slice, None, Slice]:
    """Yield what changed since the last complete pass; the last slice moves the watermarks.

    Rows of an earlier slice are known to the next load even if this one is cut off, so it does not
    read their histories again.

    Returns:
        The last slice.
    """
    is_daily = is_due(load.watermarks.swept_at, load.as_of)
    part = Slice(load)
    add_structure(load, part)
    part = yield from add_releases(load, part)
    add_error_volume(load, part)
    part = yield from add_changed_days(load, part, is_daily=is_daily)
    for batch in changed_issues(load):
        part.add_issues(batch)
        if part.is_full:
            yield part
            part = Slice(load)
    add_audit(load, part)
    load.watermarks.searched_until |= dict.fromkeys(load.searched_project_ids, load.search_end)
    part.ends_pass = True
    return part

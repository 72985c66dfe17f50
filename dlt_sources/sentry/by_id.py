"""Issues read by their ids: the only way to see what people did to quiet ones."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from dlt_sources.sentry import endpoints
from dlt_sources.sentry.allowlist import Issue
from dlt_sources.sentry.client import Params
from dlt_sources.sentry.context import RETENTION, Load, iso
from dlt_sources.sentry.errors import AccessDenied, InvalidRequest, MultipleProjectsRefused
from dlt_sources.sentry.search import ALL_PROJECTS

BULK = 100
"""Issues read by id in one request; Sentry's own page asks for no more at once."""

WITHOUT_COUNTERS = ["stats", "lifetime", "filtered", "unhandled"]
"""Parts of an issue to leave out, so that reading it costs Sentry no look into its event store."""


@dataclass(frozen=True, slots=True)
class Bulk:
    """Issues asked for at once.

    Attributes:
        ids: Their ids.
        project: Their project's id, or `ALL_PROJECTS`.
    """

    ids: Sequence[str]
    project: str | int


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a bulk.

    Attributes:
        issues: The issues found.
        missing: Ids that no longer lead to an issue of theirs; empty where absence says nothing.
    """

    issues: list[Issue]
    missing: list[str]


def read_by_id(
    load: Load, wanted: pa.Table, collapse: Sequence[str] = WITHOUT_COUNTERS
) -> Iterator[Answer]:
    """Yield issues straight from Sentry's database: no window, no retention, any status.

    With `group=` Sentry ignores every search condition; the answer is unordered and leaves out
    what is gone (`issues/endpoints/organization_group_index.py`). The parameter is not documented:
    where a server does not honour it, the issues are searched for by id, which finds those with
    events within the retention only. Then nothing is said of the missing ones.

    Args:
        load: The load.
        wanted: The issues: columns `id` and `project_id`.
        collapse: Parts of them to leave out.
    """
    yield from load.workers.in_order(
        lambda bulk: _read(load, bulk, collapse),
        _bulks(load, wanted),
    )


def _bulks(load: Load, wanted: pa.Table) -> Iterator[Bulk]:
    if load.watermarks.server.spans_projects:
        yield from _bulks_of(wanted, ALL_PROJECTS)
        return
    for project_id in wanted["project_id"].unique().to_pylist():
        yield from _bulks_of(wanted.filter(pc.field("project_id") == project_id), project_id)


def _bulks_of(wanted: pa.Table, project: str | int) -> Iterator[Bulk]:
    for start in range(0, wanted.num_rows, BULK):
        yield Bulk(wanted["id"].slice(start, BULK).to_pylist(), project)


def _read(load: Load, bulk: Bulk, collapse: Sequence[str]) -> Answer:
    try:
        return _ask(load, bulk, collapse)
    except MultipleProjectsRefused:
        load.watermarks.server.spans_projects = False
        projects = load.readable_project_ids
        answers = [_read(load, Bulk(bulk.ids, project), collapse) for project in projects]
        issues = [issue for answer in answers for issue in answer.issues]
        # Each project lacks the issues of the others: missing is what none of them has.
        missing = set(bulk.ids).intersection(*(answer.missing for answer in answers))
        return Answer(issues, sorted(missing))
    except AccessDenied:
        if bulk.project == ALL_PROJECTS or load.is_first:
            raise
        load.lose(f"project {bulk.project}", "access_lost")
        return Answer([], [])


def _ask(load: Load, bulk: Bulk, collapse: Sequence[str]) -> Answer:
    if load.watermarks.server.reads_by_id:
        try:
            issues = _issues(load, bulk, {"group": list(bulk.ids)}, collapse)
        except MultipleProjectsRefused:
            raise
        except InvalidRequest:
            issues = None
        if issues is not None and {issue.id for issue in issues} <= set(bulk.ids):
            found = {issue.id for issue in issues}
            return Answer(issues, [one for one in bulk.ids if one not in found])
        load.watermarks.server.reads_by_id = False
    return Answer(_search_by_id(load, bulk), [])


def _search_by_id(load: Load, bulk: Bulk) -> list[Issue]:
    """Return the issues that a search by id finds; see `read_by_id` for what it does not."""
    params: Params = {
        "query": f"issue.id:[{','.join(bulk.ids)}]",
        "sort": "new",
        "limit": BULK,
        "start": iso(load.as_of - RETENTION),
        "end": iso(load.as_of),
    }
    issues = _issues(load, bulk, params, ["filtered"])
    wanted = set(bulk.ids)
    return [issue for issue in issues if issue.id in wanted]


def _issues(load: Load, bulk: Bulk, asked: Params, collapse: Iterable[str]) -> list[Issue]:
    params: Params = {
        "project": bulk.project,
        "groupStatsPeriod": "",
        "collapse": list(collapse),
        **asked,
    }
    # One page holds as many issues as a bulk: a server that sends another page ignores the ids.
    return load.client.get(endpoints.ISSUES, list[Issue], params)

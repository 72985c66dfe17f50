"""What the connection's server can do: servers differ, and what is optional is detected.

Self-hosted Sentry 24.9 has neither `open-periods` nor `issues-timeseries`, one of 2019 has no
activities and no `stats_v2`, and `group=` is not documented anywhere.
"""

from datetime import timedelta

from dlt_sources.sentry import endpoints
from dlt_sources.sentry.allowlist import ActivityFeed, Issue, IssueTimeSeries, OutcomeStats
from dlt_sources.sentry.client import Params
from dlt_sources.sentry.context import RETENTION, Load, iso
from dlt_sources.sentry.errors import (
    AccessDenied,
    Fatal,
    InvalidRequest,
    NotFound,
    Retryable,
    ServerTooOld,
    UnexpectedResponse,
)
from dlt_sources.sentry.resources.volumes import hours
from dlt_sources.sentry.search import ALL_PROJECTS, Search, search
from dlt_sources.sentry.watermarks import Server, is_due

NEW_ISSUES = "count(new_issues)"


def check_server(load: Load) -> None:
    """Find out what the server can do: in a connection's first load, and daily.

    Two issues that a search shows are read by their ids, which must find exactly them. Without any
    issue nothing is known, and the next load checks again.

    Raises:
        ServerTooOld: It lacks what there is nothing to replace by.
    """
    marks = load.watermarks
    if not is_due(marks.server.checked_at, load.as_of):
        return
    projects = load.readable_project_ids
    if not projects:
        return
    marks.server = server = Server()
    issues = _some_issues(load)
    _require_outcomes(load, projects[0])
    server.counts_issues = _counts_issues(load, projects[0])
    if issues:
        _require_activities(load, issues)
        server.reads_by_id = _reads_by_id(load, server, issues)
        server.checked_at = load.as_of


def _some_issues(load: Load) -> list[Issue]:
    """Return two issues at most; whether requests may span projects is noticed by the search."""
    for page in search(load, Search(ALL_PROJECTS, load.as_of - RETENTION, load.search_end)):
        if page:
            return page[:2]
    return []


def _reads_by_id(load: Load, server: Server, issues: list[Issue]) -> bool:
    """Tell whether `group=` finds the issues it names, and no others."""
    ids = {issue.id for issue in issues}
    params: Params = {
        "project": ALL_PROJECTS if server.spans_projects else issues[0].project.id,
        "group": sorted(ids),
        "groupStatsPeriod": "",
        "collapse": ["stats", "lifetime", "filtered", "unhandled"],
    }
    try:
        found = {issue.id for issue in load.client.get(endpoints.ISSUES, list[Issue], params)}
    except InvalidRequest:
        return False
    return bool(found) and found <= ids


def _require_activities(load: Load, issues: list[Issue]) -> None:
    for issue in issues:
        try:
            load.client.get(endpoints.ISSUE_ACTIVITIES, ActivityFeed, issue=issue.id)
        except NotFound:
            continue
        except UnexpectedResponse:
            return  # it is there; what cannot be read of it is for the load to count
        return
    raise ServerTooOld(
        "This Sentry server does not show what happened to an issue (issues/{id}/activities/), "
        "without which there is nothing to measure. Update it (24.9 works), then connect again."
    )


def _require_outcomes(load: Load, project_id: str) -> None:
    params = hours(project_id, load.as_of - timedelta(hours=2), load.as_of)
    try:
        load.client.get(endpoints.OUTCOMES, OutcomeStats, params)
    except NotFound:
        raise ServerTooOld(
            "This Sentry server does not count errors by outcome (stats_v2/), without which there "
            "are no error rates. Update it (24.9 works), then connect again."
        ) from None
    except AccessDenied:
        if load.is_first:
            raise
    except UnexpectedResponse:
        return  # as above


def _counts_issues(load: Load, project_id: str) -> bool:
    params: Params = {
        "project": project_id,
        "yAxis": NEW_ISSUES,
        "interval": "1d",
        "start": iso(load.as_of - timedelta(days=2)),
        "end": iso(load.as_of),
    }
    try:
        load.client.get(endpoints.ISSUE_COUNTS, IssueTimeSeries, params)
    except (AccessDenied, Fatal, Retryable):
        return False
    return True

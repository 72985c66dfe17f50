"""What happened to an issue: its activities, read for every issue that changed."""

import logging
from concurrent.futures import ThreadPoolExecutor

from dlt_sources.sentry import endpoints
from dlt_sources.sentry.allowlist import ActivityFeed
from dlt_sources.sentry.context import Load
from dlt_sources.sentry.errors import NotFound
from dlt_sources.sentry.rows import activity_row
from dlt_sources.sentry.tables import IssueActivityRow

log = logging.getLogger(__name__)

PROGRESS_EVERY = 500


def explain(load: Load, issue_ids: list[str]) -> list[IssueActivityRow]:
    """Return the activities of issues, at most the latest 100 of each.

    Reading them leaves no trace at Sentry, while reading an issue's details counts as a view by the
    connecting user (`issues/endpoints/group_details.py`).
    """
    pool = ThreadPoolExecutor(load.concurrency, thread_name_prefix="sentry-history")
    try:
        rows = [row for found in pool.map(lambda id_: _one(load, id_), issue_ids) for row in found]
    finally:
        pool.shutdown(cancel_futures=True)
    _progress(load, len(issue_ids))
    return rows


def _one(load: Load, issue_id: str) -> list[IssueActivityRow]:
    """Return one issue's activities; none if it has gone since it was listed."""
    try:
        feed = load.client.get(endpoints.ISSUE_ACTIVITIES, ActivityFeed, issue=issue_id)
    except NotFound:
        return []
    return [activity_row(activity, issue_id, load.pseudonyms) for activity in feed.activity]


def _progress(load: Load, explained: int) -> None:
    before = load.explained
    load.explained += explained
    if before // PROGRESS_EVERY != load.explained // PROGRESS_EVERY:
        log.info("read the history of %d issues so far", load.explained)

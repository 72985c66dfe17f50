"""`dim_project`, `dim_release`, `dim_issue` and `data_freshness`."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, time

from tests.integration.truth.episodes import Episode, episodes
from tests.integration.truth.facts import Facts
from tests.integration.truth.ledger import Row
from tests.integration.truth.releases import Dated, attribution, dated_releases, released


def dim_project(facts: Facts) -> list[Row]:
    """Return the rows of the mart; every project of the sandbox is listed and read to its end."""
    last = _last_episodes(facts)
    issues = Counter(row["project_id"] for row in facts.issues.values())
    is_open = Counter(one.issue["project_id"] for one in last.values() if one.closing is None)
    releases = Counter(project_id for _, project_id in facts.release_projects)
    return [
        {
            "project_id": row["id"],
            "project_slug": row["slug"],
            "platform": row["platform"],
            "project_state": "listed",
            "issue_count": issues[row["id"]],
            "open_issue_count": is_open[row["id"]],
            "release_count": releases[row["id"]],
            "is_member": row["is_member"],
            "is_history_complete": True,
            "release_volumes_from_date": facts.first_volume_day,
            "created_at": row["date_created"],
            "first_event_at": row["first_event"],
            "issues_from_at": None,
            "lost_at": None,
            "as_of": facts.as_of,
        }
        for row in facts.projects
    ]


def _last_episodes(facts: Facts) -> dict[str, Episode]:
    last: dict[str, Episode] = {}
    for one in episodes(facts):
        before = last.get(one.issue["id"])
        if before is None or before.number < one.number:
            last[one.issue["id"]] = one
    return last


def dim_release(facts: Facts) -> list[Row]:
    """Return the rows of the mart."""
    projects = Counter(release_id for release_id, _ in facts.release_projects)
    return [_release(facts, row, projects[row["id"]]) for row in facts.releases.values()]


def _release(facts: Facts, row: Row, projects: int) -> Row:
    at, source = released(facts, row)
    finished = facts.deploys_finished.get(row["id"], [])
    return {
        "release_id": row["id"],
        "release_version": row["version"],
        "release_status": row["status"],
        "package_name": row["package"],
        "released_at_source": source,
        **{name: row[name] for name in ("version_major", "version_minor", "version_patch")},
        "project_count": projects,
        "commit_count": row["commit_count"],
        "deploy_count": row["deploy_count"],
        "known_deploy_count": len(finished),
        "environment_count": len(facts.environments.get(row["id"], ())),
        "sentry_new_issue_count": row["new_groups"],
        "created_at": row["date_created"],
        "released_at": at,
        "first_deployed_at": min(finished, default=None),
        "first_event_at": row["first_event"],
        "last_event_at": row["last_event"],
        "as_of": facts.as_of,
    }


def dim_issue(facts: Facts) -> list[Row]:
    """Return the rows of the mart."""
    mine: dict[str, list[Episode]] = defaultdict(list)
    for one in episodes(facts):
        mine[one.issue["id"]].append(one)
    attributed = attribution(facts, dated_releases(facts))
    return [
        _issue(facts, row, mine[issue_id], attributed.get(issue_id))
        for issue_id, row in facts.issues.items()
    ]


AS_READ = {
    "issue_id": "id",
    "issue_short_id": "short_id",
    "project_id": "project_id",
    "issue_status": "status",
    "issue_substatus": "substatus",
    "tombstone": "tombstone",
    "level": "level",
    "priority": "priority",
    "platform": "platform",
    "issue_type": "issue_type",
    "issue_category": "issue_category",
    "assignee_type": "assignee_type",
    "assignee_key": "assignee_key",
    "event_count": "count",
    "comment_count": "num_comments",
    "is_unhandled": "is_unhandled",
    "first_seen_at": "first_seen",
    "last_seen_at": "last_seen",
    "observed_at": "observed_at",
}
"""Columns that are those of the raw table."""


def _issue(
    facts: Facts, row: Row, mine: list[Episode], attributed: tuple[Dated, str] | None
) -> Row:
    closings = [one.closing for one in mine if one.closing is not None]
    latest = mine[-1].closing if mine else None
    closed = latest.kind if latest else "open"
    shown = facts.histories.get(row["id"])
    return {
        **{column: row[name] for column, name in AS_READ.items()},
        "project_slug": facts.slugs[row["project_id"]],
        "surviving_issue_id": facts.survivor(row["id"]),
        "issue_state": closed if mine else "unknown",
        "first_release_id": attributed[0].row["id"] if attributed else None,
        "attribution_method": attributed[1] if attributed else None,
        "episode_count": len(mine),
        "resolution_count": sum(one.is_resolved for one in mine),
        "regression_count": sum(one.opening.kind == "regression" for one in mine),
        "is_merged": row["tombstone"] == "merged",
        "is_history_read": shown is not None,
        "is_history_cut_off": shown is not None and shown >= 100,
        "last_closed_at": max((one.at for one in closings), default=None),
        "as_of": facts.as_of,
    }


def data_freshness(facts: Facts) -> list[Row]:
    """Return the rows of the mart; what the loads report of themselves is taken from them."""
    reported = {row["name"]: row for row in facts.coverage if row["subject"] == "table"}
    runs = facts.runs
    shared = {
        "load_count": len(runs),
        "is_latest_complete": max(runs, key=lambda row: row["as_of"])["is_complete"],
        "complete_at": max((r["as_of"] for r in runs if r["is_complete"]), default=None),
        "backfilled_at": max((r["as_of"] for r in runs if r["is_backfilled"]), default=None),
        "as_of": facts.as_of,
    }
    return [
        {
            "table_name": name,
            "row_count": count,
            "latest_at": latest,
            **_covered(reported.get(name)),
            **shared,
        }
        for name, (count, latest) in _tables(facts).items()
    ]


def _covered(row: Row | None) -> Row:
    names = {
        "coverage_reason": "reason",
        "expected_count": "expected",
        "actual_count": "actual",
        "covered_from_at": "covered_from",
        "since_at": "since",
    }
    found = {column: row[name] if row else None for column, name in names.items()}
    return found | {"coverage_status": row["status"] if row else "complete"}


def _tables(facts: Facts) -> dict[str, tuple[int, datetime | None]]:
    finished = [at for ends in facts.deploys_finished.values() for at in ends]
    days = [day for day, *_ in facts.days]
    return {
        "organizations": (1, None),
        "projects": (len(facts.projects), None),
        "environments": (facts.environment_count, None),
        "releases": _counted([row["date_created"] for row in facts.releases.values()]),
        "release_projects": (len(facts.release_projects), None),
        "deploys": _counted(finished),
        "issues": _counted([row["observed_at"] for row in facts.issues.values()]),
        "issue_activities": _counted(facts.all_activities),
        "issue_histories": _counted(facts.histories_read),
        "project_error_volume": _counted([hour for _, hour, _ in facts.volumes]),
        "issue_release_volume": _counted([datetime.combine(d, time(), UTC) for d in days]),
    }


def _counted(moments: list[datetime]) -> tuple[int, datetime | None]:
    return len(moments), max(moments, default=None)

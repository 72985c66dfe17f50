"""The true rows of the warehouse, put the way the marts' definitions speak of them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from tests.integration.truth.ledger import ACTIVITY_COLUMNS, Row
from tests.integration.truth.warehouse import COLUMNS, Truth


@dataclass(frozen=True)
class Facts:
    """What the marts are made of.

    Attributes:
        as_of: When the last load ran.
        slugs: Project slugs by id.
        issues: Rows of `issues` by id.
        activities: Activities by issue, in time; only those up to `as_of`.
        survivors: By id of any issue, where merges led to; itself if it was not merged.
        releases: Rows of `releases` by id.
        release_projects: Release id and project id, with Sentry's count of new issues.
        deploys_finished: When the known deploys of a release ended.
        volumes: Errors by project, hour and outcome.
        days: Events by day, project, issue and version.
        projects: Rows of `projects`.
        environment_count: Environments.
        environments: Those that a release was deployed to, as far as known.
        histories: How many activities Sentry showed of an issue when its history was read last.
        histories_read: When histories were read last.
        all_activities: When any activity happened.
        coverage, runs: What the loads reported: rows of `load_coverage` and `load_runs`.
    """

    as_of: datetime
    slugs: dict[str, str]
    issues: dict[str, Row]
    activities: dict[str, list[Row]]
    survivors: dict[str, str]
    releases: dict[int, Row]
    release_projects: dict[tuple[int, str], int]
    deploys_finished: dict[int, list[datetime]]
    volumes: dict[tuple[str, datetime, str], int]
    days: dict[tuple[date, str, str, str], int]
    projects: list[Row]
    environment_count: int
    environments: dict[int, set[str]]
    histories: dict[str, int]
    histories_read: list[datetime]
    all_activities: list[datetime]
    coverage: Sequence[Row] = ()
    runs: Sequence[Row] = ()

    @cached_property
    def first_volume_day(self) -> date:
        """The first day of `issue_release_volume`."""
        return min(day for day, *_ in self.days)

    def survivor(self, issue_id: str) -> str:
        """Return the issue that holds an issue's events; itself if nobody knows it."""
        return self.survivors.get(issue_id, issue_id)

    def new_issues(self) -> list[Row]:
        """Return the issues with a known first seen up to `as_of` that were not merged away."""
        return [
            row
            for row in self.issues.values()
            if row["first_seen"] is not None
            and row["first_seen"] <= self.as_of
            and row["tombstone"] != "merged"
        ]


def facts(truth: Truth, coverage: Sequence[Row] = (), runs: Sequence[Row] = ()) -> Facts:
    """Return the facts as of the last load, with what the loads reported of themselves."""
    tables = truth.tables()
    finished, environments = defaultdict(list), defaultdict(set)
    for _, release_id, environment, _, finished_at in tables["deploys"]:
        finished[release_id].append(finished_at)
        environments[release_id].add(environment)
    happened = ACTIVITY_COLUMNS.index("date_created")
    releases = [dict(zip(COLUMNS["releases"], row, strict=True)) for row in tables["releases"]]
    issues = truth.ledger.issues
    return Facts(
        as_of=truth.as_of,
        slugs={row[0]: row[1] for row in tables["projects"]},
        issues=dict(issues),
        activities={issue_id: _activities(truth, issue_id) for issue_id in issues},
        survivors={issue_id: _survivor(issues, issue_id) for issue_id in issues},
        releases={row["id"]: row for row in releases},
        release_projects={(row[0], row[1]): row[2] for row in tables["release_projects"]},
        deploys_finished=dict(finished),
        volumes={row[:3]: row[3] for row in tables["project_error_volume"]},
        days={row[:4]: row[4] for row in tables["issue_release_volume"]},
        projects=[dict(zip(COLUMNS["projects"], row, strict=True)) for row in tables["projects"]],
        environment_count=len(tables["environments"]),
        environments=dict(environments),
        histories=truth.ledger.shown,
        histories_read=list(truth.ledger.explained.values()),
        all_activities=[row[happened] for row in tables["issue_activities"]],
        coverage=coverage,
        runs=runs,
    )


def _activities(truth: Truth, issue_id: str) -> list[Row]:
    rows = truth.ledger.activities.get(issue_id, set())
    named = [dict(zip(ACTIVITY_COLUMNS, row, strict=True)) for row in rows]
    past = [row for row in named if row["date_created"] <= truth.as_of]
    return sorted(past, key=lambda row: row["date_created"])


def _survivor(issues: dict[str, Row], issue_id: str) -> str:
    while issues[issue_id]["merged_into"] in issues:
        issue_id = issues[issue_id]["merged_into"]
    return issue_id

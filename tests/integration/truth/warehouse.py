"""The schema `raw` as it must be after loads at given moments."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from include.sandbox.organization import Deploy, Organization
from tests.integration.truth import structure
from tests.integration.truth.ledger import ACTIVITY_COLUMNS, Ledger
from tests.integration.truth.volumes import ReleaseDays, error_volume, reach

COLUMNS = {
    "organizations": ("id", "slug", "status", "date_created"),
    "projects": (
        "id", "slug", "platform", "date_created", "first_event", "is_member", "has_access",
        "lost_at",
    ),
    "environments": ("id", "name"),
    "releases": (
        "id", "version", "status", "package", "version_major", "version_minor", "version_patch",
        "date_created", "date_started", "date_released", "first_event", "last_event",
        "new_groups", "commit_count", "deploy_count", "last_deploy_id",
    ),
    "release_projects": ("release_id", "project_id", "new_groups"),
    "deploys": ("id", "release_id", "environment", "date_started", "date_finished"),
    "issues": (
        "id", "short_id", "project_id", "status", "substatus", "in_release", "in_next_release",
        "auto_resolved", "ignore_until", "ignore_count", "ignore_window", "level", "priority",
        "priority_locked_at", "platform", "issue_type", "issue_category", "is_unhandled",
        "num_comments", "assignee_type", "assignee_key", "last_progressed_at", "count",
        "first_seen", "last_seen", "observed_at", "tombstone", "merged_into",
    ),
    "issue_activities": ACTIVITY_COLUMNS,
    "project_error_volume": ("project_id", "hour", "outcome", "quantity"),
    "issue_release_volume": ("date", "project_id", "issue_id", "release", "count"),
}  # fmt: skip
"""The columns compared, by table: all but the hash that identifies an activity."""

Rows = set[tuple[Any, ...]]


@dataclass
class Truth:
    """What a connection's warehouse must hold.

    Attributes:
        organization: The ground truth.
        salt: The connection's, for pseudonyms.
        ledger: Issues and activities.
        days: Events by day, issue and release.
        deploys: By id, release and deploy; Sentry shows only a release's last per environment.
    """

    organization: Organization
    salt: bytes
    ledger: Ledger = field(init=False)
    days: ReleaseDays = field(init=False)
    deploys: dict[str, tuple[int, Deploy]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.organization, self.salt)
        self.days = ReleaseDays(self.organization)

    def load(self, at: datetime) -> None:
        """Let a load run at a moment."""
        self.ledger.load(at)
        self.days.load(at)
        self.deploys |= structure.shown_deploys(self.organization, at)

    @property
    def as_of(self) -> datetime:
        """When the last load ran."""
        return self.ledger.loads[-1]

    def tables(self) -> dict[str, Rows]:
        """Return the rows of every table but `load_runs`, in the order of `COLUMNS`."""
        truth, at = self.organization, self.as_of
        since = reach(self.ledger.loads[0])
        return {
            "organizations": structure.organizations(truth),
            "projects": structure.projects(truth, at),
            "environments": structure.environments(truth),
            "releases": structure.releases(truth, at),
            "release_projects": structure.release_projects(truth, at),
            "deploys": {
                (one.id, release_id, one.environment, one.started_at, one.finished_at)
                for release_id, one in self.deploys.values()
            },
            "issues": {
                tuple(row[name] for name in COLUMNS["issues"])
                for row in self.ledger.issues.values()
            },
            "issue_activities": set(self.ledger.known_activities()),
            "project_error_volume": {
                (*key, quantity) for key, quantity in error_volume(truth, since, at).items()
            },
            "issue_release_volume": {(*key, count) for key, count in self.days.rows().items()},
        }

"""From Sentry's responses to the rows of our tables."""

from collections.abc import Iterator
from datetime import date, datetime
from hashlib import blake2b
from typing import Any

import msgspec

from dlt_sources.sentry.allowlist import (
    ACTIVITY_DATA,
    Activity,
    Assigned,
    Deploy,
    Environment,
    Issue,
    IssueReleaseCount,
    Lifetime,
    Organization,
    OutcomeStats,
    Project,
    Release,
)
from dlt_sources.sentry.pseudonyms import Pseudonyms
from dlt_sources.sentry.tables import (
    DeployRow,
    EnvironmentRow,
    IssueActivityRow,
    IssueReleaseVolumeRow,
    IssueRow,
    OrganizationRow,
    ProjectErrorVolumeRow,
    ProjectRow,
    ReleaseProjectRow,
    ReleaseRow,
)


def organization_row(organization: Organization) -> OrganizationRow:
    """Return the organization's row."""
    return OrganizationRow(
        id=organization.id,
        slug=organization.slug,
        status=organization.status.id if organization.status else None,
        date_created=organization.date_created,
    )


def project_row(project: Project) -> ProjectRow:
    """Return a project's row."""
    return msgspec.convert(project, ProjectRow, from_attributes=True)


def environment_row(environment: Environment) -> EnvironmentRow:
    """Return an environment's row."""
    return msgspec.convert(environment, EnvironmentRow, from_attributes=True)


def release_row(release: Release) -> ReleaseRow:
    """Return the row that a release's projects share."""
    info = release.version_info
    numbers = info.version if info else None
    return ReleaseRow(
        id=release.id,
        version=release.version,
        status=release.status,
        package=info.package if info else None,
        version_major=numbers.major if numbers else None,
        version_minor=numbers.minor if numbers else None,
        version_patch=numbers.patch if numbers else None,
        date_created=release.date_created,
        date_started=release.date_started,
        date_released=release.date_released,
        first_event=release.first_event,
        last_event=release.last_event,
        new_groups=release.new_groups,
        commit_count=release.commit_count,
        deploy_count=release.deploy_count,
        last_deploy_id=release.last_deploy.id if release.last_deploy else None,
    )


def release_project_rows(release: Release) -> list[ReleaseProjectRow]:
    """Return a row for each project of a release."""
    return [
        ReleaseProjectRow(
            release_id=release.id, project_id=str(project.id), new_groups=project.new_groups
        )
        for project in release.projects
    ]


def deploy_row(deploy: Deploy, release: Release) -> DeployRow:
    """Return a deploy's row."""
    return DeployRow(
        id=deploy.id,
        release_id=release.id,
        environment=deploy.environment,
        date_started=deploy.date_started,
        date_finished=deploy.date_finished,
    )


_COUNTERS = ("is_unhandled", "count", "first_seen", "last_seen")


def issue_row(
    issue: Issue, previous: IssueRow | None, pseudonyms: Pseudonyms, observed_at: datetime
) -> IssueRow:
    """Return an issue's row, as read at Sentry's time `observed_at`.

    A reading by `group=` has neither lifetime counters nor `isUnhandled`; those are carried over
    from the previous row.
    """
    details = issue.status_details
    assignee = issue.assigned_to
    lifetime = issue.lifetime or Lifetime()
    row = IssueRow(
        id=issue.id,
        short_id=issue.short_id,
        project_id=issue.project.id,
        status=issue.status,
        substatus=issue.substatus,
        in_release=details.in_release,
        in_next_release=details.in_next_release,
        auto_resolved=details.auto_resolved,
        ignore_until=details.ignore_until,
        ignore_count=details.ignore_count,
        ignore_window=details.ignore_window,
        level=issue.level,
        priority=issue.priority,
        priority_locked_at=issue.priority_locked_at,
        platform=issue.platform,
        issue_type=issue.issue_type,
        issue_category=issue.issue_category,
        is_unhandled=issue.is_unhandled,
        num_comments=issue.num_comments,
        assignee_type=assignee.type if assignee else None,
        assignee_key=_person_key(pseudonyms, assignee.type, assignee.id) if assignee else None,
        last_progressed_at=issue.derived_data.last_progressed_at if issue.derived_data else None,
        count=int(lifetime.count) if lifetime.count is not None else None,
        first_seen=lifetime.first_seen,
        last_seen=lifetime.last_seen,
        observed_at=observed_at,
    )
    for name in _COUNTERS:
        if previous is not None and getattr(row, name) is None:
            setattr(row, name, getattr(previous, name))
    return row


def activity_row(activity: Activity, issue_id: str, pseudonyms: Pseudonyms) -> IssueActivityRow:
    """Return the row of something that happened to an issue.

    What cannot be read of `data` is dropped, never the activity: its type and time always count.
    """
    kept = _activity_data(activity, pseudonyms)
    return IssueActivityRow(
        id=_activity_id(issue_id, activity, kept.get("assignee_key")),
        issue_id=issue_id,
        type=activity.type,
        date_created=activity.date_created,
        actor_key=pseudonyms.key("user", activity.user.id) if activity.user else None,
        **kept,
    )


def error_volume_rows(project_id: str, stats: OutcomeStats) -> Iterator[ProjectErrorVolumeRow]:
    """Yield a row for every hour and outcome, those with no event too."""
    for group in stats.groups:
        for hour, quantity in zip(stats.intervals, group.series.quantity, strict=True):
            yield ProjectErrorVolumeRow(
                project_id=project_id, hour=hour, outcome=group.by.outcome, quantity=quantity
            )


def issue_release_volume_row(day: date, counted: IssueReleaseCount) -> IssueReleaseVolumeRow:
    """Return the row of an issue's events from a release on a day."""
    return IssueReleaseVolumeRow(
        date=day,
        project_id=str(counted.project_id),
        issue_id=str(counted.issue_id),
        release=counted.release or "",
        count=counted.count,
    )


def _person_key(
    pseudonyms: Pseudonyms, kind: str | None, sentry_id: str | int | None
) -> str | None:
    """Return the pseudonym of an assignee, who is a person or a team."""
    if sentry_id is None:
        return None
    return pseudonyms.key("team" if kind == "team" else "user", str(sentry_id))


def _activity_data(activity: Activity, pseudonyms: Pseudonyms) -> dict[str, Any]:
    """Return what may be kept of an activity's data, by column."""
    kind = ACTIVITY_DATA.get(activity.type)
    if kind is None:
        return {}
    try:
        data = msgspec.json.decode(activity.data, type=kind)
    except msgspec.ValidationError:
        return {}
    kept = msgspec.structs.asdict(data)
    if isinstance(data, Assigned):
        assignee = kept.pop("assignee")
        kept["assignee_key"] = _person_key(pseudonyms, data.assignee_type, assignee)
    return kept


def _activity_id(issue_id: str, activity: Activity, assignee_key: str | None) -> str:
    """Return an identifier that survives Sentry's change of activity ids.

    Activity ids move to another namespace where a server serves the action log
    (`issues/endpoints/group_activities.py`), so they identify nothing. Nor does the rest of `data`:
    Sentry fills in the version of a resolution when the release appears. The synthetic `first_seen`
    is one an issue, though its time moves when another issue is merged into it.
    """
    content: tuple[object, ...] = (issue_id, activity.type)
    if activity.type != "first_seen":
        content += (activity.date_created.isoformat(), assignee_key)
    return blake2b(repr(content).encode(), digest_size=16).hexdigest()

"""From Sentry's responses to the rows of our tables.

A column is UNSET where the response has no such field or it could not be read; `Checks.settle` puts
there what is stored already.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from hashlib import blake2b
from typing import Any

import msgspec
from msgspec import UNSET

from dlt_sources.sentry.allowlist import (
    ACTIVITY_DATA,
    Activity,
    Assigned,
    Assignee,
    Deploy,
    Environment,
    Issue,
    Organization,
    OutcomeStats,
    Project,
    Release,
    ReleaseProject,
)
from dlt_sources.sentry.decoding import decode
from dlt_sources.sentry.errors import UnexpectedResponse
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
        status=_part(organization.status, "id"),
        date_created=organization.date_created,
    )


def project_row(project: Project) -> ProjectRow:
    """Return a project's row."""
    return ProjectRow(
        id=project.id,
        slug=project.slug,
        platform=project.platform,
        date_created=project.date_created,
        first_event=project.first_event,
        is_member=project.is_member,
        has_access=project.has_access,
    )


def environment_row(environment: Environment) -> EnvironmentRow:
    """Return an environment's row."""
    return EnvironmentRow(id=environment.id, name=environment.name)  # type: ignore[arg-type] # UNSET until settled


def release_row(release: Release) -> ReleaseRow:
    """Return the row that a release's projects share."""
    numbers = _part(release.version_info, "version")
    return ReleaseRow(
        id=release.id,
        version=release.version,
        status=release.status,
        package=_part(release.version_info, "package"),
        version_major=_part(numbers, "major"),
        version_minor=_part(numbers, "minor"),
        version_patch=_part(numbers, "patch"),
        date_created=release.date_created,
        date_started=release.date_started,
        date_released=release.date_released,
        first_event=release.first_event,
        last_event=release.last_event,
        new_groups=release.new_groups,
        commit_count=release.commit_count,
        deploy_count=release.deploy_count,
        last_deploy_id=_part(release.last_deploy, "id"),
    )


def release_project_rows(release: Release) -> list[ReleaseProjectRow]:
    """Return a row for each project of a release."""
    return [
        ReleaseProjectRow(
            release_id=release.id, project_id=str(project.id), new_groups=project.new_groups
        )
        for project in projects_of(release)
    ]


def projects_of(release: Release) -> list[ReleaseProject]:
    """Return a release's projects; none if they could not be read."""
    return release.projects if isinstance(release.projects, list) else []


def deploy_row(deploy: Deploy, release: Release) -> DeployRow:
    """Return a deploy's row."""
    return DeployRow(
        id=deploy.id,
        release_id=release.id,
        environment=deploy.environment,
        date_started=deploy.date_started,
        date_finished=deploy.date_finished,
    )


def issue_row(issue: Issue, pseudonyms: Pseudonyms, observed_at: datetime) -> IssueRow:
    """Return an issue's row, as read at Sentry's time `observed_at`.

    A reading by `group=` has neither lifetime counters nor `isUnhandled`: they are UNSET.
    """
    details = issue.status_details
    return IssueRow(
        id=issue.id,
        short_id=issue.short_id,  # type: ignore[arg-type] # UNSET until settled, here and below
        project_id=issue.project.id,
        status=issue.status,
        substatus=issue.substatus,  # type: ignore[arg-type]
        in_release=_part(details, "in_release"),
        in_next_release=_part(details, "in_next_release"),
        auto_resolved=_part(details, "auto_resolved"),
        ignore_until=_part(details, "ignore_until"),
        ignore_count=_part(details, "ignore_count"),
        ignore_window=_part(details, "ignore_window"),
        level=issue.level,  # type: ignore[arg-type]
        priority=issue.priority,  # type: ignore[arg-type]
        priority_locked_at=issue.priority_locked_at,  # type: ignore[arg-type]
        platform=issue.platform,  # type: ignore[arg-type]
        issue_type=issue.issue_type,  # type: ignore[arg-type]
        issue_category=issue.issue_category,  # type: ignore[arg-type]
        is_unhandled=issue.is_unhandled,  # type: ignore[arg-type]
        num_comments=issue.num_comments,  # type: ignore[arg-type]
        assignee_type=_part(issue.assigned_to, "type"),
        assignee_key=_assignee_key(pseudonyms, issue.assigned_to),
        last_progressed_at=_part(issue.derived_data, "last_progressed_at"),
        count=_number(_part(issue.lifetime, "count")),
        first_seen=_part(issue.lifetime, "first_seen"),
        last_seen=_part(issue.lifetime, "last_seen"),
        observed_at=observed_at,
    )


def activity_row(
    activity: Activity, issue_id: str, pseudonyms: Pseudonyms, warnings: Counter[str]
) -> IssueActivityRow:
    """Return the row of something that happened to an issue.

    What cannot be read of `data` is dropped and counted, never the activity: its type and time
    always count.
    """
    kept = _activity_data(activity, pseudonyms, warnings)
    user_id = _part(activity.user, "id")
    return IssueActivityRow(
        id=_activity_id(issue_id, activity.type, activity.date_created),
        issue_id=issue_id,
        type=activity.type,
        date_created=activity.date_created,
        actor_key=pseudonyms.key("user", user_id) if isinstance(user_id, str) else user_id,
        **kept,
    )


def first_seen_row(issue: IssueRow, first_seen: datetime) -> IssueActivityRow:
    """Return the activity that every issue's history begins with, as Sentry would show it."""
    return IssueActivityRow(
        id=_activity_id(issue.id, "first_seen", first_seen),
        issue_id=issue.id,
        type="first_seen",
        date_created=first_seen,
        actor_key=None,
    )


def error_volume_rows(project_id: str, stats: OutcomeStats) -> Iterator[ProjectErrorVolumeRow]:
    """Yield a row for every hour and outcome, those with no event too."""
    for group in stats.groups:
        if len(group.series.quantity) != len(stats.intervals):
            raise UnexpectedResponse("Sentry sent hours without counts, or counts without hours.")
        for hour, quantity in zip(stats.intervals, group.series.quantity, strict=True):
            yield ProjectErrorVolumeRow(
                project_id=project_id, hour=hour, outcome=group.by.outcome, quantity=quantity
            )


def issue_release_volume_row(
    day: date, project_id: int, issue_id: int, release: str, count: int
) -> IssueReleaseVolumeRow:
    """Return the row of an issue's events from a release on a day."""
    return IssueReleaseVolumeRow(
        date=day,
        project_id=str(project_id),
        issue_id=str(issue_id),
        release=release,
        count=count,
    )


def _part(whole: object, name: str) -> Any:  # noqa: ANN401 - of any of the fields' types
    """Return a field of an object, None if that is null and UNSET if that could not be read."""
    if whole is None or whole is UNSET:
        return whole
    return getattr(whole, name)


def _number(digits: object) -> Any:  # noqa: ANN401 - a number, None or UNSET
    """Return a count, which Sentry sends as a string of digits."""
    if isinstance(digits, str):
        return int(digits) if digits.isdecimal() else UNSET
    return digits


def _assignee_key(pseudonyms: Pseudonyms, assignee: object) -> Any:  # noqa: ANN401 - may be UNSET
    if isinstance(assignee, Assignee):
        return _person_key(pseudonyms, assignee.type, assignee.id)
    return assignee


def _person_key(
    pseudonyms: Pseudonyms, kind: str | None, sentry_id: str | int | None
) -> str | None:
    """Return the pseudonym of an assignee, who is a person or a team."""
    if not isinstance(sentry_id, str | int):
        return None
    return pseudonyms.key("team" if kind == "team" else "user", str(sentry_id))


def _activity_data(
    activity: Activity, pseudonyms: Pseudonyms, warnings: Counter[str]
) -> dict[str, Any]:
    """Return what may be kept of an activity's data, by column; UNSET where it cannot be read."""
    kind = ACTIVITY_DATA.get(activity.type)
    if kind is None:
        return {}
    kept = _decoded_data(activity, kind, warnings)
    if kind is Assigned:
        assignee = kept.pop("assignee")
        kept["assignee_key"] = (
            UNSET if assignee is UNSET else _person_key(pseudonyms, kept["assignee_type"], assignee)
        )
    return kept


def _decoded_data(
    activity: Activity, kind: type[msgspec.Struct], warnings: Counter[str]
) -> dict[str, Any]:
    if isinstance(activity.data, msgspec.Raw):
        try:
            return msgspec.structs.asdict(decode(bytes(activity.data), kind, warnings))
        except msgspec.MsgspecError:
            warnings[f"{kind.__name__}: another type than documented"] += 1
    return dict.fromkeys(kind.__struct_fields__, UNSET)


def _activity_id(issue_id: str, kind: str, at: datetime) -> str:
    """Return an identifier that survives Sentry's change of activity ids.

    Activity ids move to another namespace where a server serves the action log
    (`issues/endpoints/group_activities.py`), so they identify nothing. Nor does the rest of `data`:
    Sentry fills in the version of a resolution when the release appears. The synthetic `first_seen`
    is one an issue, though its time moves when another issue is merged into it.
    """
    content: tuple[object, ...] = (issue_id, kind)
    if kind != "first_seen":
        content += (at.isoformat(),)
    return blake2b(repr(content).encode(), digest_size=16).hexdigest()

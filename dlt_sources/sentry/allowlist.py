"""What may be read of Sentry's responses: the privacy contract.

Responses are decoded straight into these Structs. msgspec skips every field that is not declared
while it parses, so a title, a name or an e-mail never becomes a value. (An activity's `data` stays
undecoded until its type says what may be read of it.) Each declared field says what it is; the
reason why it is structural is one of these:

    id        an opaque identifier of Sentry's (of a person or team: only to be pseudonymised)
    enum      a word from a list that Sentry fixes
    time      a moment
    count     a number of things
    label     a name that the customer gave to a project, a release or an environment

Field meanings: Sentry's API reference (docs.sentry.io/api) and, where it is silent, the serializers
in getsentry/sentry (`src/sentry/api/serializers/models`), named where they matter.
"""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Raw, Struct, field


class Response(Struct, rename="camel"):
    """A JSON object of Sentry's: undeclared fields are skipped, declared ones type-checked."""


class Named(Response):
    """An object of which only the identifier is read."""

    id: Annotated[str, Meta(description="id or enum: all that is read of the object")]


class Organization(Response):
    """`GET /organizations/{organization}/?detailed=0`."""

    id: Annotated[str, Meta(description="id: the organization")]
    slug: Annotated[str, Meta(description="label: the organization's short name")]
    date_created: Annotated[datetime, Meta(description="time: when it was created")]
    status: Annotated[Named | None, Meta(description="enum: active or pending deletion")] = None


class Project(Response):
    """`GET /organizations/{organization}/projects/`."""

    id: Annotated[str, Meta(description="id: the project")]
    slug: Annotated[str, Meta(description="label: the project's short name")]
    platform: Annotated[str | None, Meta(description="enum: SDK platform")] = None
    date_created: Annotated[datetime | None, Meta(description="time: when it was created")] = None
    first_event: Annotated[datetime | None, Meta(description="time: of its first event")] = None
    is_member: Annotated[bool | None, Meta(description="enum: connecting user is a member")] = None
    has_access: Annotated[bool | None, Meta(description="enum: connecting user may read it")] = None


class Environment(Response):
    """`GET /organizations/{organization}/environments/`."""

    id: Annotated[str, Meta(description="id: the environment")]
    name: Annotated[str, Meta(description="label: the environment's name")]


class ParsedVersion(Response):
    """The numbers in a semantic version; absent where the version is not one."""

    major: Annotated[int | None, Meta(description="count: major version number")] = None
    minor: Annotated[int | None, Meta(description="count: minor version number")] = None
    patch: Annotated[int | None, Meta(description="count: patch version number")] = None


class VersionInfo(Response):
    """A release's version as Sentry parsed it."""

    package: Annotated[str | None, Meta(description="label: package part of the version")] = None
    version: Annotated[ParsedVersion | None, Meta(description="count: version numbers")] = None


class ReleaseProject(Response):
    """One project that a release belongs to. Its id is a number here, unlike elsewhere."""

    id: Annotated[int, Meta(description="id: the project")]
    new_groups: Annotated[int, Meta(description="count: issues first seen in the release")] = 0


class Release(Response):
    """`GET /organizations/{organization}/releases/`. One row is shared by all its projects."""

    id: Annotated[int, Meta(description="id: the release")]
    version: Annotated[str, Meta(description="label: the version the customer gave it")]
    status: Annotated[str | None, Meta(description="enum: open or archived")] = None
    version_info: Annotated[
        VersionInfo | None, Meta(description="label, count: parsed version")
    ] = None
    date_created: Annotated[datetime | None, Meta(description="time: first known to Sentry")] = None
    date_started: Annotated[datetime | None, Meta(description="time: work on it began")] = None
    date_released: Annotated[datetime | None, Meta(description="time: it was released")] = None
    first_event: Annotated[datetime | None, Meta(description="time: of its first event")] = None
    last_event: Annotated[datetime | None, Meta(description="time: of its last event")] = None
    new_groups: Annotated[int, Meta(description="count: issues first seen in it")] = 0
    commit_count: Annotated[int, Meta(description="count: commits in it")] = 0
    deploy_count: Annotated[int, Meta(description="count: deploys of it")] = 0
    last_deploy: Annotated[Named | None, Meta(description="id: its latest deploy")] = None
    projects: Annotated[list[ReleaseProject], Meta(description="id, count: its projects")] = field(
        default_factory=list
    )


class Deploy(Response):
    """`GET /organizations/{organization}/releases/{version}/deploys/`."""

    id: Annotated[str, Meta(description="id: the deploy")]
    environment: Annotated[str, Meta(description="label: the environment deployed to")]
    date_started: Annotated[datetime | None, Meta(description="time: it began")] = None
    date_finished: Annotated[datetime | None, Meta(description="time: it ended")] = None


class Assignee(Response):
    """Who an issue is assigned to. The id never leaves memory: only its pseudonym is stored."""

    type: Annotated[str, Meta(description="enum: user or team")]
    id: Annotated[str, Meta(description="id: to be pseudonymised")]


class StatusDetails(Response):
    """Why an issue has its status (`models/group.py::_get_status`)."""

    in_release: Annotated[str | None, Meta(description="label: release it is resolved in")] = None
    in_next_release: Annotated[bool | None, Meta(description="enum: resolved in the next")] = None
    auto_resolved: Annotated[bool | None, Meta(description="enum: resolved by age")] = None
    ignore_until: Annotated[datetime | None, Meta(description="time: archived until")] = None
    ignore_count: Annotated[int | None, Meta(description="count: archived until so many")] = None
    ignore_window: Annotated[int | None, Meta(description="count: minutes for that many")] = None


class Lifetime(Response):
    """Counters over an issue's whole life; the ones beside them count the searched window only."""

    count: Annotated[str | int | None, Meta(description="count: events (a string of digits)")] = (
        None
    )
    first_seen: Annotated[datetime | None, Meta(description="time: of the first event")] = None
    last_seen: Annotated[datetime | None, Meta(description="time: of the latest event")] = None


class DerivedData(Response):
    """Sentry's own derived progress (newer servers only, materialised with a delay)."""

    last_progressed_at: Annotated[
        datetime | None, Meta(description="time: of the last step towards a fix")
    ] = None


class Issue(Response):
    """`GET /organizations/{organization}/issues/`, as a search or by `group=`.

    The specification calls every field required; `collapse`, flags and versions remove any but the
    first three.
    """

    id: Annotated[str, Meta(description="id: the issue")]
    status: Annotated[str, Meta(description="enum: unresolved, resolved, ignored, pending_…")]
    project: Annotated[Named, Meta(description="id: its project")]
    short_id: Annotated[str | None, Meta(description="label: project slug and a number")] = None
    substatus: Annotated[str | None, Meta(description="enum: new, ongoing, regressed, …")] = None
    status_details: Annotated[StatusDetails, Meta(description="why it has its status")] = field(
        default_factory=StatusDetails
    )
    level: Annotated[str | None, Meta(description="enum: fatal, error, warning, …")] = None
    priority: Annotated[str | None, Meta(description="enum: high, medium, low")] = None
    priority_locked_at: Annotated[
        datetime | None, Meta(description="time: a person fixed the priority")
    ] = None
    platform: Annotated[str | None, Meta(description="enum: platform of its events")] = None
    issue_type: Annotated[str | None, Meta(description="enum: detector that made it")] = None
    issue_category: Annotated[str | None, Meta(description="enum: error, performance, …")] = None
    is_unhandled: Annotated[bool | None, Meta(description="enum: not caught by code")] = None
    num_comments: Annotated[int | None, Meta(description="count: comments")] = None
    assigned_to: Annotated[Assignee | None, Meta(description="current assignee")] = None
    lifetime: Annotated[Lifetime | None, Meta(description="counters over its whole life")] = None
    derived_data: Annotated[DerivedData | None, Meta(description="Sentry's own progress")] = None


class IssueIdentity(Response):
    """`GET /organizations/{organization}/issues/{id}/`: only to learn where a lost issue went.

    The body may be another issue's: a merged issue answers with its survivor.
    """

    id: Annotated[str, Meta(description="id: of the issue that answered")]
    status: Annotated[str, Meta(description="enum: its status")]
    project: Annotated[Named, Meta(description="id: its project")]


class Activity(Response):
    """One entry of `GET /organizations/{organization}/issues/{id}/activities/`."""

    type: Annotated[str, Meta(description="enum: what happened")]
    date_created: Annotated[datetime, Meta(description="time: when it happened")]
    user: Annotated[Named | None, Meta(description="id: who did it, to be pseudonymised")] = None
    data: Annotated[Raw, Meta(description="undecoded; see ACTIVITY_DATA")] = Raw(b"{}")


class ActivityFeed(Response):
    """The body around the activities of one issue, newest first, at most 100."""

    activity: Annotated[list[Activity], Meta(description="the entries")]


class ActivityData(Response):
    """What is kept of an activity's `data`. Without a subclass for its type: nothing."""


class ResolvedInRelease(ActivityData):
    """`set_resolved_in_release`; the version is empty while the release does not exist yet."""

    version: Annotated[str | None, Meta(description="label: release it is resolved in")] = None
    in_next_release: Annotated[bool | None, Meta(description="enum: in the next release")] = None


class Regressed(ActivityData):
    """`set_regression`: the release in which a resolved issue was seen again."""

    version: Annotated[str | None, Meta(description="label: release it was seen in")] = None


class ResolvedByAge(ActivityData):
    """`set_resolved_by_age`."""

    age: Annotated[int | None, Meta(description="count: hours without an event")] = None


class Archived(ActivityData):
    """`set_ignored`: archived, for how long."""

    ignore_until: Annotated[datetime | None, Meta(description="time: archived until")] = None
    ignore_duration: Annotated[int | None, Meta(description="count: minutes")] = None
    ignore_count: Annotated[int | None, Meta(description="count: events")] = None
    ignore_until_escalating: Annotated[bool | None, Meta(description="enum: until growth")] = None


class Assigned(ActivityData):
    """`assigned`. The rule's text, the name and the e-mail beside it are never read."""

    assignee: Annotated[str | int | None, Meta(description="id: to be pseudonymised")] = None
    assignee_type: Annotated[str | None, Meta(description="enum: user or team")] = None
    integration: Annotated[str | None, Meta(description="enum: what assigned it")] = None


class PrioritySet(ActivityData):
    """`set_priority`."""

    priority: Annotated[str | None, Meta(description="enum: high, medium, low")] = None
    reason: Annotated[str | None, Meta(description="enum: why Sentry changed it")] = None


class SetOngoing(Struct):
    """`auto_set_ongoing` (its key is in snake case)."""

    after_days: Annotated[int | None, Meta(description="count: days as new or regressed")] = None


ACTIVITY_DATA: dict[str, type[Struct]] = {
    "set_resolved_in_release": ResolvedInRelease,
    "set_regression": Regressed,
    "set_resolved_by_age": ResolvedByAge,
    "set_ignored": Archived,
    "assigned": Assigned,
    "set_priority": PrioritySet,
    "auto_set_ongoing": SetOngoing,
}
"""What may be read of `data`, by activity type. Of any other type only type and time are kept."""


class OutcomeSeries(Struct):
    """Counts by interval."""

    quantity: Annotated[list[int], Meta(description="count: events")] = field(name="sum(quantity)")


class OutcomeKey(Struct):
    """What a series counts. `reason` is written by the customer and not declared."""

    outcome: Annotated[str, Meta(description="enum: accepted, filtered, rate_limited, …")]


class OutcomeGroup(Struct):
    """The series of one outcome."""

    by: Annotated[OutcomeKey, Meta(description="enum: the outcome")]
    series: Annotated[OutcomeSeries, Meta(description="count: events by interval")]


class OutcomeStats(Struct):
    """`GET /organizations/{organization}/stats_v2/` for one project, grouped by outcome."""

    intervals: Annotated[list[datetime], Meta(description="time: start of each interval")]
    groups: Annotated[list[OutcomeGroup], Meta(description="the series")]


class IssueReleaseCount(Struct):
    """How many events of an issue came from a release."""

    issue_id: Annotated[int, Meta(description="id: the issue")] = field(name="issue.id")
    project_id: Annotated[int, Meta(description="id: the project")] = field(name="project.id")
    count: Annotated[int, Meta(description="count: events")] = field(name="count()")
    release: Annotated[str | None, Meta(description="label: version, empty for none")] = None


class IssueReleaseCounts(Struct):
    """`GET /organizations/{organization}/events/`, aggregates only: never a row of an event."""

    data: Annotated[list[IssueReleaseCount], Meta(description="the counts")]


class ErrorCode(Struct):
    """The machine-readable part of a refused request."""

    code: Annotated[str | None, Meta(description="enum: e.g. sso-required")] = None


class ErrorBody(Struct):
    """An error response. Read to tell its cause, compared with known words, never kept."""

    detail: Annotated[str | ErrorCode | None, Meta(description="enum: cause of a refusal")] = None

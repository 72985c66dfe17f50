"""What may be read of Sentry's responses: the privacy contract.

Responses are decoded straight into these Structs. msgspec skips every field that is not declared
while it parses, so a title, a name or an e-mail never becomes a value. (An activity's `data` stays
undecoded until its type says what may be read of it.) Each declared field says what it is; the
reason why it is structural is one of these:

    id        an opaque identifier of Sentry's (of a person or team: only to be pseudonymised)
    enum      a word from a list that Sentry fixes, or yes or no
    time      a moment
    count     a number of things
    label     a name that the customer gave to a project, a release or an environment

What is no part of the data, but needed to read it, is one more:

    secret    what opens the API: kept encrypted in the registry, never in the warehouse

`vocabulary.py` has the lists and what a label may look like; `docs/data-collected.md` is made from
all three.

Field meanings: Sentry's API reference (docs.sentry.io/api) and, where it is silent, the serializers
in getsentry/sentry (`src/sentry/api/serializers/models`), named where they matter.
"""

from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Raw, Struct, UnsetType, field

Moment = Annotated[datetime, Meta(tz=True)]
"""A time that says its offset; without one nobody knows when it was, so it cannot be read."""


class Response(Struct, rename="camel"):
    """A JSON object of Sentry's: undeclared fields are skipped, declared ones type-checked."""


class Named(Response):
    """An object of which only the identifier is read."""

    id: Annotated[str, Meta(description="id or enum: all that is read of the object")]


class Links(Response):
    """Where an organization's API is; empty on a server of the customer's own."""

    region_url: Annotated[
        str | None,
        Meta(description="label: address of its region: where to ask; never stored"),
    ] = None


class Organization(Response):
    """`GET /organizations/{organization}/?detailed=0`, and each of `GET /organizations/`."""

    id: Annotated[str, Meta(description="id: the organization")]
    slug: Annotated[
        str, Meta(description="label: the short name in its address, as its owner chose it")
    ]
    date_created: Annotated[datetime, Meta(tz=True, description="time: when it was created")]
    status: Annotated[Named | None, Meta(description="enum: active, or on its way to deletion")] = (
        None
    )
    links: Annotated[Links | None, Meta(description="where its API is; never stored")] = None


class Project(Response):
    """`GET /organizations/{organization}/projects/`."""

    id: Annotated[str, Meta(description="id: the project")]
    slug: Annotated[
        str, Meta(description="label: the short name in its address; the full name is not read")
    ]
    platform: Annotated[str | None, Meta(description="enum: the SDK it was set up for")] = None
    date_created: Annotated[Moment | None, Meta(description="time: when it was created")] = None
    first_event: Annotated[
        Moment | None, Meta(description="time: its first event; the event is not read")
    ] = None
    is_member: Annotated[
        bool | None, Meta(description="enum: yes or no; whether the connecting user's team has it")
    ] = None
    has_access: Annotated[
        bool | None, Meta(description="enum: yes or no; whether the connecting user may read it")
    ] = None


class Environment(Response):
    """`GET /organizations/{organization}/environments/`."""

    id: Annotated[str, Meta(description="id: the environment")]
    name: Annotated[
        str | UnsetType,
        Meta(description="label: what deploys and events are said to run in, e.g. production"),
    ] = UNSET


class ParsedVersion(Response):
    """The numbers in a semantic version; absent where the version is not one."""

    major: Annotated[int | None, Meta(description="count: first number of a semantic version")] = (
        None
    )
    minor: Annotated[int | None, Meta(description="count: second number of a semantic version")] = (
        None
    )
    patch: Annotated[int | None, Meta(description="count: third number of a semantic version")] = (
        None
    )


class VersionInfo(Response):
    """A release's version as Sentry parsed it."""

    package: Annotated[
        str | None, Meta(description="label: the part of the version before the @")
    ] = None
    version: Annotated[ParsedVersion | None, Meta(description="count: version numbers")] = None


class ReleaseProject(Response):
    """One project that a release belongs to. Its id is a number here, unlike elsewhere."""

    id: Annotated[int, Meta(description="id: a project it belongs to")]
    new_groups: Annotated[
        int, Meta(description="count: issues of the project first seen in it")
    ] = 0


class Release(Response):
    """`GET /organizations/{organization}/releases/`. One row is shared by all its projects."""

    id: Annotated[int, Meta(description="id: the release")]
    version: Annotated[
        str, Meta(description="label: the version, by which issues and events refer to it")
    ]
    status: Annotated[str | None, Meta(description="enum: open or archived")] = None
    version_info: Annotated[
        VersionInfo | None, Meta(description="label, count: parsed version")
    ] = None
    date_created: Annotated[Moment | None, Meta(description="time: first known to Sentry")] = None
    date_started: Annotated[Moment | None, Meta(description="time: work on it began")] = None
    date_released: Annotated[Moment | None, Meta(description="time: it was released")] = None
    first_event: Annotated[
        Moment | None, Meta(description="time: its first event; the event is not read")
    ] = None
    last_event: Annotated[
        Moment | None, Meta(description="time: its latest event; the event is not read")
    ] = None
    new_groups: Annotated[int, Meta(description="count: issues first seen in it")] = 0
    commit_count: Annotated[int, Meta(description="count: commits in it; no commit is read")] = 0
    deploy_count: Annotated[int, Meta(description="count: deploys of it")] = 0
    last_deploy: Annotated[
        Named | None,
        Meta(description="id: its latest deploy; tells whether to read its deploys again"),
    ] = None
    projects: Annotated[list[ReleaseProject], Meta(description="id, count: its projects")] = field(
        default_factory=list
    )


class Deploy(Response):
    """`GET /organizations/{organization}/releases/{version}/deploys/`."""

    id: Annotated[str, Meta(description="id: the deploy")]
    environment: Annotated[str, Meta(description="label: the environment deployed to")]
    date_started: Annotated[Moment | None, Meta(description="time: it began")] = None
    date_finished: Annotated[Moment | None, Meta(description="time: it ended")] = None


class Assignee(Response):
    """Who an issue is assigned to. The id never leaves memory: only its pseudonym is stored."""

    type: Annotated[str, Meta(description="enum: user or team")]
    id: Annotated[str, Meta(description="id: whose pseudonym is stored; itself it is not")]


class StatusDetails(Response):
    """Why an issue has its status (`models/group.py::_get_status`)."""

    in_release: Annotated[
        str | None, Meta(description="label: version of the release it is resolved in")
    ] = None
    in_next_release: Annotated[
        bool | None, Meta(description="enum: yes or no; resolved in the next release")
    ] = None
    auto_resolved: Annotated[
        bool | None, Meta(description="enum: yes or no; resolved by its age")
    ] = None
    ignore_until: Annotated[Moment | None, Meta(description="time: archived until then")] = None
    ignore_count: Annotated[
        int | None, Meta(description="count: events until which it is archived")
    ] = None
    ignore_window: Annotated[
        int | None, Meta(description="count: minutes in which that many must come")
    ] = None


class Lifetime(Response):
    """Counters over an issue's whole life; the ones beside them count the searched window only."""

    count: Annotated[
        Annotated[str, Meta(pattern=r"^[0-9]{1,18}\Z")] | int | None,
        Meta(description="count: events; a string of digits"),
    ] = None
    first_seen: Annotated[Moment | None, Meta(description="time: the first event")] = None
    last_seen: Annotated[Moment | None, Meta(description="time: the latest event")] = None


class DerivedData(Response):
    """Sentry's own derived progress (newer servers only, materialised with a delay)."""

    last_progressed_at: Annotated[
        Moment | None,
        Meta(description="time: the last step towards a fix; not what it was"),
    ] = None


class Issue(Response):
    """`GET /organizations/{organization}/issues/`, as a search or by `group=`.

    The specification calls every field required; `collapse`, flags and versions remove any but the
    first three. What is absent is UNSET, unlike what is null: a row keeps what it knew before.
    """

    id: Annotated[str, Meta(description="id: the issue")]
    status: Annotated[str, Meta(description="enum: unresolved, resolved, ignored, pending_…")]
    project: Annotated[Named, Meta(description="id: its project")]
    short_id: Annotated[
        str | UnsetType | None,
        Meta(description="label: the project's slug and a number, by which people refer to it"),
    ] = UNSET
    substatus: Annotated[
        str | UnsetType | None, Meta(description="enum: new, ongoing, regressed, …")
    ] = UNSET
    status_details: Annotated[
        StatusDetails | UnsetType | None, Meta(description="why it has its status")
    ] = UNSET
    level: Annotated[
        str | UnsetType | None,
        Meta(description="enum: severity the SDK reported: fatal, error, warning, …"),
    ] = UNSET
    priority: Annotated[str | UnsetType | None, Meta(description="enum: high, medium, low")] = UNSET
    priority_locked_at: Annotated[
        Moment | UnsetType | None, Meta(description="time: a person fixed the priority")
    ] = UNSET
    platform: Annotated[str | UnsetType | None, Meta(description="enum: the SDK of its events")] = (
        UNSET
    )
    issue_type: Annotated[
        str | UnsetType | None,
        Meta(description="enum: name of the detector that made it, not what it found"),
    ] = UNSET
    issue_category: Annotated[
        str | UnsetType | None,
        Meta(description="enum: error, performance, …; the detector's family"),
    ] = UNSET
    is_unhandled: Annotated[
        bool | UnsetType | None,
        Meta(description="enum: yes or no; the code did not catch the error"),
    ] = UNSET
    num_comments: Annotated[
        int | UnsetType | None, Meta(description="count: comments on it; no comment is read")
    ] = UNSET
    assigned_to: Annotated[Assignee | UnsetType | None, Meta(description="current assignee")] = (
        UNSET
    )
    lifetime: Annotated[
        Lifetime | UnsetType | None, Meta(description="counters over its whole life")
    ] = UNSET
    derived_data: Annotated[
        DerivedData | UnsetType | None, Meta(description="Sentry's own progress")
    ] = UNSET


class IssueIdentity(Response):
    """`GET /organizations/{organization}/issues/{id}/`: only to learn where a lost issue went.

    The body may be another issue's: a merged issue answers with its survivor.
    """

    id: Annotated[str, Meta(description="id: the issue that answered")]
    status: Annotated[str, Meta(description="enum: its status")]
    project: Annotated[Named, Meta(description="id: its project")]


class Activity(Response):
    """One entry of `GET /organizations/{organization}/issues/{id}/activities/`."""

    type: Annotated[str, Meta(description="enum: what happened, e.g. set_resolved")]
    date_created: Annotated[datetime, Meta(tz=True, description="time: when it happened")]
    user: Annotated[
        Named | None, Meta(description="id: who did it; only the pseudonym is stored")
    ] = None
    data: Annotated[
        Raw, Meta(description="depends on the type, see below; of most types nothing")
    ] = Raw(b"{}")


class ActivityFeed(Response):
    """The body around the activities of one issue, newest first, at most 100."""

    activity: Annotated[list[Activity], Meta(description="the entries")]


class ActivityData(Response):
    """What is kept of an activity's `data`. Without a subclass for its type: nothing."""


class ResolvedInRelease(ActivityData):
    """`set_resolved_in_release`; the version is empty while the release does not exist yet."""

    version: Annotated[
        str | None, Meta(description="label: version of the release it is resolved in")
    ] = None
    in_next_release: Annotated[
        bool | None, Meta(description="enum: yes or no; in the next release")
    ] = None


class Regressed(ActivityData):
    """`set_regression`: the release in which a resolved issue was seen again."""

    version: Annotated[
        str | None, Meta(description="label: version of the release it was seen in again")
    ] = None


class ResolvedByAge(ActivityData):
    """`set_resolved_by_age`."""

    age: Annotated[
        int | None, Meta(description="count: hours without an event before it was resolved")
    ] = None


class Archived(ActivityData):
    """`set_ignored`: archived, for how long."""

    ignore_until: Annotated[Moment | None, Meta(description="time: archived until then")] = None
    ignore_duration: Annotated[
        int | None, Meta(description="count: minutes it is archived for")
    ] = None
    ignore_count: Annotated[
        int | None, Meta(description="count: events until which it is archived")
    ] = None
    ignore_until_escalating: Annotated[
        bool | None, Meta(description="enum: yes or no; archived until its events grow in number")
    ] = None


class Assigned(ActivityData):
    """`assigned`. The rule's text, the name and the e-mail beside it are never read."""

    assignee: Annotated[
        str | int | None, Meta(description="id: whose pseudonym is stored; itself it is not")
    ] = None
    assignee_type: Annotated[str | None, Meta(description="enum: user or team")] = None
    integration: Annotated[
        str | None,
        Meta(description="enum: what assigned it, e.g. codeowners or slack; not by which rule"),
    ] = None


class PrioritySet(ActivityData):
    """`set_priority`."""

    priority: Annotated[str | None, Meta(description="enum: high, medium, low")] = None
    reason: Annotated[
        str | None, Meta(description="enum: Sentry's word for why it changed it; people give none")
    ] = None


class SetOngoing(Struct):
    """`auto_set_ongoing` (its key is in snake case)."""

    after_days: Annotated[
        int | None,
        Meta(description="count: days as new or regressed until Sentry calls it ongoing"),
    ] = None


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

    quantity: Annotated[list[int], Meta(description="count: error events by interval")] = field(
        name="sum(quantity)"
    )


class OutcomeKey(Struct):
    """What a series counts. `reason` is written by the customer and not declared."""

    outcome: Annotated[str, Meta(description="enum: accepted, filtered, rate_limited, …")]


class OutcomeGroup(Struct):
    """The series of one outcome."""

    by: Annotated[OutcomeKey, Meta(description="enum: the outcome")]
    series: Annotated[OutcomeSeries, Meta(description="count: events by interval")]


class OutcomeStats(Struct):
    """`GET /organizations/{organization}/stats_v2/` for one project, grouped by outcome."""

    intervals: Annotated[list[Moment], Meta(description="time: start of each interval")]
    groups: Annotated[list[OutcomeGroup], Meta(description="the series")]


class IssueReleaseCount(Struct):
    """How many events of an issue came from a release."""

    issue_id: Annotated[int, Meta(description="id: the issue")] = field(name="issue.id")
    project_id: Annotated[int, Meta(description="id: its project")] = field(name="project.id")
    count: Annotated[
        int, Meta(description="count: events of the issue from the release in the asked window")
    ] = field(name="count()")
    release: Annotated[
        str | None, Meta(description="label: version the events came from; empty for none")
    ] = None


class IssueReleaseCounts(Struct):
    """`GET /organizations/{organization}/events/`, aggregates only: never a row of an event."""

    data: Annotated[list[IssueReleaseCount], Meta(description="the counts")]


class IssueBucket(Struct):
    """How many issues became something in an interval."""

    timestamp: Annotated[int, Meta(description="time: start of an interval, in epoch milliseconds")]
    value: Annotated[
        float,
        Meta(description="count: issues that were first seen or resolved in it; never stored"),
    ]


class IssueSeries(Response):
    """One series: issues by first seen, or resolved ones by when they were."""

    y_axis: Annotated[str, Meta(description="enum: count(new_issues) or count(resolved_issues)")]
    values: Annotated[list[IssueBucket], Meta(description="the counts")]


class IssueTimeSeries(Response):
    """`GET /organizations/{organization}/issues-timeseries/` of one project (newer servers)."""

    time_series: Annotated[list[IssueSeries], Meta(description="the series")]


class ErrorCode(Struct):
    """The machine-readable part of a refused request."""

    code: Annotated[
        str | None,
        Meta(description="enum: Sentry's word for the cause, e.g. sso-required; never stored"),
    ] = None


class ErrorBody(Struct):
    """An error response. Read to tell its cause, compared with known words, never kept."""

    detail: Annotated[
        str | ErrorCode | None,
        Meta(description="enum: cause of a refusal, compared with known words; never stored"),
    ] = None


HEADER_VALUE = r"^[!-~]{1,4096}\Z"
"""What a token may look like: it has to stand in a header."""


class TokenResponse(Struct, omit_defaults=True):
    """`POST /oauth/token/`. The name and e-mail of the user beside these are never parsed."""

    access_token: Annotated[
        str,
        Meta(
            pattern=HEADER_VALUE, description="secret: opens the API; never stored in the warehouse"
        ),
    ]
    token_type: Annotated[
        str, Meta(pattern=r"^[Bb]earer\Z", description="enum: Bearer, always; never stored")
    ]
    refresh_token: Annotated[
        Annotated[str, Meta(pattern=HEADER_VALUE)] | None,
        Meta(description="secret: renews the access token; never stored in the warehouse"),
    ] = None
    expires_in: Annotated[
        Annotated[int, Meta(ge=0, le=10**9)] | None,
        Meta(description="count: seconds until the access token expires"),
    ] = None
    scope: Annotated[str, Meta(description="enum: what the access token is good for")] = ""
    organization_id: Annotated[
        str | None,
        Meta(description="id: the one organization that it is for, where it is for one only"),
    ] = None


class TokenRefusal(Struct):
    """An error of `POST /oauth/token/`."""

    error: Annotated[
        str | None,
        Meta(description="enum: cause of a refusal, compared with known words; never stored"),
    ] = None

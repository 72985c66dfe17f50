"""What is stored: one Struct a table, its keys, and the Arrow schema made from it.

Rows reach dlt only as Arrow tables with these schemas, so that nothing undeclared can follow.
Column names are Sentry's, in snake case; times are UTC.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from types import NoneType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import pyarrow as pa
from msgspec import UNSET, Meta, Struct, structs

from dlt_sources.sentry import vocabulary
from dlt_sources.sentry.vocabulary import Label, Rule, Words


def word(description: str, words: Words = vocabulary.ANY_WORD) -> Meta:
    """Return the metadata of a column that holds one word of a list, and never free text."""
    return Meta(description=description, extra={"rule": words})


def label(description: str, rule: Label) -> Meta:
    """Return the metadata of a column whose text has to be of a certain form."""
    return Meta(description=description, extra={"rule": rule})


def ours(description: str) -> Meta:
    """Return the metadata of a column whose text we made: a hash, a pseudonym, our own words."""
    return Meta(description=description, extra={"rule": None})


class Row(Struct):
    """A row of a table in the schema `raw`, finished by `checks.Checks.settle`."""


class OrganizationRow(Row):
    """The connected organization. One row."""

    id: Annotated[str, label("Sentry's id of the organization", vocabulary.ID)]
    slug: Annotated[str, label("Short name in Sentry's addresses", vocabulary.SLUG)]
    status: Annotated[
        str | None, word("active, pending_deletion, …", vocabulary.ORGANIZATION_STATUS)
    ]
    date_created: Annotated[datetime, Meta(description="When the organization was created")]


class ProjectRow(Row):
    """A project the connecting user can see."""

    id: Annotated[str, label("Sentry's id of the project", vocabulary.ID)]
    slug: Annotated[str, label("Short name in Sentry's addresses", vocabulary.SLUG)]
    platform: Annotated[str | None, word("SDK platform, e.g. python-django")]
    date_created: Annotated[datetime | None, Meta(description="When the project was created")]
    first_event: Annotated[datetime | None, Meta(description="When its first event arrived")]
    is_member: Annotated[bool | None, Meta(description="The connecting user is a member")]
    has_access: Annotated[bool | None, Meta(description="The connecting user may read it")]
    lost_at: Annotated[
        datetime | None,
        Meta(
            description="First load that no longer saw it (deleted, moved or hidden); null if seen"
        ),
    ] = None


class EnvironmentRow(Row):
    """An environment of the organization, visible or hidden."""

    id: Annotated[str, label("Sentry's id of the environment", vocabulary.ID)]
    name: Annotated[str | None, label("The environment's name", vocabulary.ENVIRONMENT)]


class ReleaseRow(Row):
    """A release of the organization, shared by all its projects."""

    id: Annotated[int, Meta(description="Sentry's id of the release")]
    version: Annotated[str, label("The version the customer gave it", vocabulary.VERSION)]
    status: Annotated[str | None, word("open or archived", vocabulary.RELEASE_STATUS)]
    package: Annotated[str | None, label("Package part of the version", vocabulary.PACKAGE)]
    version_major: Annotated[int | None, Meta(description="Major number of a semantic version")]
    version_minor: Annotated[int | None, Meta(description="Minor number of a semantic version")]
    version_patch: Annotated[int | None, Meta(description="Patch number of a semantic version")]
    date_created: Annotated[datetime | None, Meta(description="When Sentry first knew it")]
    date_started: Annotated[datetime | None, Meta(description="When work on it began")]
    date_released: Annotated[datetime | None, Meta(description="When it was released")]
    first_event: Annotated[datetime | None, Meta(description="Time of its first event")]
    last_event: Annotated[datetime | None, Meta(description="Time of its latest event")]
    new_groups: Annotated[int | None, Meta(description="Issues first seen in it, all projects")]
    commit_count: Annotated[int | None, Meta(description="Commits in it")]
    deploy_count: Annotated[int | None, Meta(description="Deploys of it")]
    last_deploy_id: Annotated[str | None, label("Sentry's id of its latest deploy", vocabulary.ID)]


class ReleaseProjectRow(Row):
    """A project that a release belongs to."""

    release_id: Annotated[int, Meta(description="Sentry's id of the release")]
    project_id: Annotated[str, label("Sentry's id of the project", vocabulary.ID)]
    new_groups: Annotated[int | None, Meta(description="Issues of the project first seen in it")]


class DeployRow(Row):
    """A deploy of a release to an environment."""

    id: Annotated[str, label("Sentry's id of the deploy", vocabulary.ID)]
    release_id: Annotated[int, Meta(description="Sentry's id of the release")]
    environment: Annotated[
        str, label("Name of the environment deployed to", vocabulary.ENVIRONMENT)
    ]
    date_started: Annotated[datetime | None, Meta(description="When the deploy began")]
    date_finished: Annotated[datetime | None, Meta(description="When the deploy ended")]


class IssueRow(Row):
    """An issue as last read. A row is written again only when something in it changed."""

    id: Annotated[str, label("Sentry's id of the issue", vocabulary.ID)]
    short_id: Annotated[
        str | None, label("Project slug and number, e.g. WEB-4Q", vocabulary.SHORT_ID)
    ]
    project_id: Annotated[str, label("Sentry's id of its project", vocabulary.ID)]
    status: Annotated[
        str, word("unresolved, resolved, ignored, pending_deletion, …", vocabulary.ISSUE_STATUS)
    ]
    substatus: Annotated[
        str | None, word("new, ongoing, regressed, escalating, …", vocabulary.ISSUE_SUBSTATUS)
    ]
    in_release: Annotated[str | None, label("Version it is resolved in", vocabulary.VERSION)]
    in_next_release: Annotated[bool | None, Meta(description="Resolved in the next release")]
    auto_resolved: Annotated[bool | None, Meta(description="Resolved by age")]
    ignore_until: Annotated[datetime | None, Meta(description="Archived until this time")]
    ignore_count: Annotated[int | None, Meta(description="Archived until so many events")]
    ignore_window: Annotated[int | None, Meta(description="Minutes for ignore_count")]
    level: Annotated[str | None, word("fatal, error, warning, info, debug, …", vocabulary.LEVEL)]
    priority: Annotated[str | None, word("high, medium or low", vocabulary.PRIORITY)]
    priority_locked_at: Annotated[datetime | None, Meta(description="When a person set priority")]
    platform: Annotated[str | None, word("Platform of its events")]
    issue_type: Annotated[str | None, word("Sentry's detector, e.g. error")]
    issue_category: Annotated[str | None, word("error, performance, …", vocabulary.ISSUE_CATEGORY)]
    is_unhandled: Annotated[bool | None, Meta(description="The error was not caught by code")]
    num_comments: Annotated[int | None, Meta(description="Comments on it")]
    assignee_type: Annotated[str | None, word("user or team", vocabulary.ASSIGNEE_TYPE)]
    assignee_key: Annotated[str | None, ours("Pseudonym of the assignee")]
    last_progressed_at: Annotated[
        datetime | None, Meta(description="Last step towards a fix, as Sentry derives it")
    ]
    count: Annotated[int | None, Meta(description="Events over its whole life")]
    first_seen: Annotated[datetime | None, Meta(description="Time of its first event")]
    last_seen: Annotated[datetime | None, Meta(description="Time of its latest event")]
    observed_at: Annotated[datetime, Meta(description="Sentry's time at the reading")]
    tombstone: Annotated[
        str | None,
        word("merged, deleted or out_of_reach; null while it is there", vocabulary.TOMBSTONE),
    ] = None
    merged_into: Annotated[str | None, label("Id of the issue that survived", vocabulary.ID)] = None


class IssueActivityRow(Row):
    """Something that happened to an issue."""

    id: Annotated[str, ours("Hash of issue, type and time; of a first_seen no time")]
    issue_id: Annotated[str, label("Sentry's id of the issue", vocabulary.ID)]
    type: Annotated[str, word("What happened, e.g. set_resolved")]
    date_created: Annotated[datetime, Meta(description="When it happened")]
    actor_key: Annotated[str | None, ours("Pseudonym of who did it; null: Sentry")]
    version: Annotated[
        str | None, label("Version of a resolution or regression", vocabulary.VERSION)
    ] = None
    in_next_release: Annotated[bool | None, Meta(description="Resolved in the next release")] = None
    age: Annotated[int | None, Meta(description="Hours without an event before resolution")] = None
    ignore_until: Annotated[datetime | None, Meta(description="Archived until this time")] = None
    ignore_duration: Annotated[int | None, Meta(description="Archived for minutes")] = None
    ignore_count: Annotated[int | None, Meta(description="Archived until so many events")] = None
    ignore_until_escalating: Annotated[
        bool | None, Meta(description="Archived until it escalates")
    ] = None
    assignee_type: Annotated[str | None, word("user or team", vocabulary.ASSIGNEE_TYPE)] = None
    assignee_key: Annotated[str | None, ours("Pseudonym of the new assignee")] = None
    integration: Annotated[str | None, word("What assigned it, e.g. codeowners")] = None
    priority: Annotated[str | None, word("The new priority", vocabulary.PRIORITY)] = None
    reason: Annotated[str | None, word("Why Sentry changed the priority")] = None
    after_days: Annotated[int | None, Meta(description="Days until it became ongoing")] = None


class IssueHistoryRow(Row):
    """How much of an issue's history is known. An issue without a row was never looked into.

    An untouched issue (new, nobody's, its priority Sentry's own) has no history but its first seen;
    the audit looks into it later.
    """

    issue_id: Annotated[str, label("Sentry's id of the issue", vocabulary.ID)]
    read_at: Annotated[datetime, Meta(description="Sentry's time at the latest reading")]
    activities: Annotated[int, Meta(description="Activities Sentry showed, at most 100")]
    is_cut_off: Annotated[bool, Meta(description="Sentry shows no more: older ones are unknown")]
    last_activity_at: Annotated[datetime | None, Meta(description="When the latest one happened")]


class ProjectErrorVolumeRow(Row):
    """Errors of a project in an hour, by what became of them. Hours without any are absent."""

    project_id: Annotated[str, label("Sentry's id of the project", vocabulary.ID)]
    hour: Annotated[datetime, Meta(description="Start of the hour")]
    outcome: Annotated[
        str, word("accepted, filtered, rate_limited, invalid, …", vocabulary.OUTCOME)
    ]
    quantity: Annotated[int, Meta(description="Error events")]


class IssueReleaseVolumeRow(Row):
    """Events of an issue from a release on a UTC day.

    A project's day is replaced as a whole by the next reading that finds any event of it.
    """

    date: Annotated[date, Meta(description="UTC day")]
    project_id: Annotated[str, label("Sentry's id of the project", vocabulary.ID)]
    issue_id: Annotated[str, label("Sentry's id of the issue", vocabulary.ID)]
    release: Annotated[str, label("Version; empty where the event had none", vocabulary.VERSION)]
    count: Annotated[int, Meta(description="Events")]


class LoadRunRow(Row):
    """One load, as of its latest committed slice. Counters are of this load alone."""

    run_id: Annotated[str, ours("Identifier of the run")]
    as_of: Annotated[datetime, Meta(description="Sentry's time at the start: marts are as of it")]
    is_first: Annotated[bool, Meta(description="The connection's first load")]
    is_complete: Annotated[bool, Meta(description="The load reached its end, watermarks moved")]
    is_backfilled: Annotated[bool, Meta(description="No history is waiting to be read")]
    slices: Annotated[int, Meta(description="Slices committed")]
    requests: Annotated[int, Meta(description="Requests made to Sentry")]
    retries: Annotated[int, Meta(description="Of these, repeated after a failure or a limit")]
    waited_s: Annotated[float, Meta(description="Seconds waited for their turn and for limits")]
    rows_written: Annotated[int, Meta(description="Rows written to all tables but this one")]
    issues_read: Annotated[int, Meta(description="Issues read")]
    issues_changed: Annotated[int, Meta(description="Issues new or changed since the last load")]
    issues_new: Annotated[int, Meta(description="Of these, not known before")]
    issues_lost: Annotated[int, Meta(description="Of these, merged, deleted or out of reach")]
    issues_status: Annotated[int, Meta(description="Of these, with a new status or its details")]
    issues_assignee: Annotated[int, Meta(description="Of these, with a new assignee")]
    issues_priority: Annotated[int, Meta(description="Of these, with a new priority")]
    issues_progress: Annotated[int, Meta(description="Of these, a step further by Sentry's count")]
    issues_counters: Annotated[int, Meta(description="Of these, with new counters only")]
    histories_read: Annotated[int, Meta(description="Histories of issues read")]
    histories_audited: Annotated[int, Meta(description="Of these, read by the rolling audit")]
    audit_findings: Annotated[int, Meta(description="Activities that only the audit found")]
    warnings: Annotated[int, Meta(description="Warnings, counted; load_coverage names them")]


class LoadCoverageRow(Row):
    """What is covered, and what is not: the present state, replaced where it changed.

    | subject | one row per | counts (`expected`, `actual`) |
    |---|---|---|
    | project | project ever seen | - |
    | table | table | rows or issues Sentry says there are, and ours |
    | endpoint | optional endpoint | - |
    | check | check of the server | - |
    | warning | kind of warning | -, times in the latest load that had it |
    """

    subject: Annotated[
        str, word("project, table, endpoint, check or warning", vocabulary.COVERAGE_SUBJECT)
    ]
    name: Annotated[str, ours("Which one: project id, table, endpoint, or our words")]
    status: Annotated[
        str, word("complete, partial, lost, unsupported or warned", vocabulary.COVERAGE_STATUS)
    ]
    reason: Annotated[str | None, word("Why, if not complete: our own word")]
    covered_from: Annotated[datetime | None, Meta(description="Complete from this time on")]
    expected: Annotated[int | None, Meta(description="What there should be, if Sentry says")]
    actual: Annotated[int | None, Meta(description="What there is")]
    since: Annotated[datetime, Meta(description="Sentry's time when it came to be so")]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the schema `raw`.

    Attributes:
        row: The Struct whose fields are its columns.
        primary_key: Columns that identify a row; a load replaces rows that have the same.
        merge_key: Columns whose values a load replaces as a whole, if any.
    """

    row: type[Row]
    primary_key: tuple[str, ...]
    merge_key: tuple[str, ...] = ()

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of its columns, in order."""
        return _schema(self.row)

    def to_arrow(self, rows: Iterable[Row]) -> pa.Table:
        """Return rows as an Arrow table of exactly this schema.

        Raises:
            ValueError: A row did not pass through `Checks.settle`. Looked for are texts that break
                their rule, in columns with few different ones: 2 % of the time this takes.
        """
        names = self.row.__struct_fields__
        values: Sequence[tuple[Any, ...]] = list(zip(*map(structs.astuple, rows), strict=True))
        if not values:
            return self.schema.empty_table()
        columns = dict(zip(names, values, strict=True))
        for name, rule in self.rules().items():
            texts = () if rule.is_unique else set(columns[name]) - {None}
            if not all(text is not UNSET and rule.accepts(text) for text in texts):
                raise ValueError(f"{self.row.__name__}.{name} holds {rule.breach}: not settled.")
        return pa.table(columns, schema=self.schema)

    def descriptions(self) -> dict[str, str]:
        """What each column holds."""
        return {name: meta.description or "" for name, meta in _metas(self.row).items()}

    def rules(self) -> dict[str, Rule]:
        """What the texts of a column must be, by column; none for texts that we made ourselves."""
        return rules(self.row)


TABLES: dict[str, Table] = {
    "organizations": Table(OrganizationRow, ("id",)),
    "projects": Table(ProjectRow, ("id",)),
    "environments": Table(EnvironmentRow, ("id",)),
    "releases": Table(ReleaseRow, ("id",)),
    "release_projects": Table(ReleaseProjectRow, ("release_id", "project_id")),
    "deploys": Table(DeployRow, ("id",)),
    "issues": Table(IssueRow, ("id",)),
    "issue_activities": Table(IssueActivityRow, ("id",)),
    "issue_histories": Table(IssueHistoryRow, ("issue_id",)),
    "project_error_volume": Table(ProjectErrorVolumeRow, ("project_id", "hour", "outcome")),
    "issue_release_volume": Table(
        IssueReleaseVolumeRow, ("date", "project_id", "issue_id", "release"), ("date", "project_id")
    ),
    "load_runs": Table(LoadRunRow, ("run_id",)),
    "load_coverage": Table(LoadCoverageRow, ("subject", "name")),
}
"""Every table a load writes."""

_ARROW_TYPES: dict[type, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    datetime: pa.timestamp("us", tz="UTC"),
    date: pa.date32(),
}


@cache
def _schema(row: type[Row]) -> pa.Schema:
    hints = get_type_hints(row, include_extras=True)
    return pa.schema([_column(f.name, hints[f.name]) for f in structs.fields(row)])


@cache
def rules(row: type[Row]) -> dict[str, Rule]:
    """Return what the texts of a row have to be, by column."""
    extras = {name: meta.extra or {} for name, meta in _metas(row).items()}
    return {name: extra["rule"] for name, extra in extras.items() if extra.get("rule")}


def _metas(row: type[Row]) -> dict[str, Meta]:
    """Return the metadata of each column, in order."""
    hints = get_type_hints(row, include_extras=True)
    return {
        field.name: next(one for one in hints[field.name].__metadata__ if isinstance(one, Meta))
        for field in structs.fields(row)
    }


def _column(name: str, hint: Any) -> pa.Field:  # noqa: ANN401 - a type hint has no narrower type
    """Return the Arrow field for a Struct's field, which is `T` or `T | None`, annotated."""
    bare = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    options = get_args(bare) or (bare,)
    kept = next(option for option in options if option is not NoneType)
    return pa.field(name, _ARROW_TYPES[kept], nullable=NoneType in options)

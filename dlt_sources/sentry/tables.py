"""What is stored: one Struct a table, its keys, and the Arrow schema made from it.

Rows reach dlt only as Arrow tables with these schemas, so that nothing undeclared can follow.
Column names are Sentry's, in snake case; times are UTC.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from types import NoneType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import pyarrow as pa
from msgspec import Meta, Struct, structs

WORD = re.compile(r"[A-Za-z0-9_.:-]{0,64}")
"""What a word of a list that Sentry fixes looks like."""


def word(description: str) -> Meta:
    """Return the metadata of a column that holds a word of Sentry's, and never free text."""
    return Meta(description=description, extra={"is_word": True})


class Row(Struct):
    """A row of a table in the schema `raw`. What should be a word and is none becomes `other`."""

    def __post_init__(self) -> None:
        for name in _words(type(self)):
            value = getattr(self, name)
            if value is not None and not WORD.fullmatch(value):
                setattr(self, name, "other")


class OrganizationRow(Row):
    """The connected organization. One row."""

    id: Annotated[str, Meta(description="Sentry's id of the organization")]
    slug: Annotated[str, Meta(description="Short name in Sentry's addresses")]
    status: Annotated[str | None, word("active, pending_deletion, …")]
    date_created: Annotated[datetime, Meta(description="When the organization was created")]


class ProjectRow(Row):
    """A project the connecting user can see."""

    id: Annotated[str, Meta(description="Sentry's id of the project")]
    slug: Annotated[str, Meta(description="Short name in Sentry's addresses")]
    platform: Annotated[str | None, word("SDK platform, e.g. python-django")]
    date_created: Annotated[datetime | None, Meta(description="When the project was created")]
    first_event: Annotated[datetime | None, Meta(description="When its first event arrived")]
    is_member: Annotated[bool | None, Meta(description="The connecting user is a member")]
    has_access: Annotated[bool | None, Meta(description="The connecting user may read it")]


class EnvironmentRow(Row):
    """An environment of the organization, visible or hidden."""

    id: Annotated[str, Meta(description="Sentry's id of the environment")]
    name: Annotated[str, Meta(description="The environment's name")]


class ReleaseRow(Row):
    """A release of the organization, shared by all its projects."""

    id: Annotated[int, Meta(description="Sentry's id of the release")]
    version: Annotated[str, Meta(description="The version the customer gave it")]
    status: Annotated[str | None, word("open or archived")]
    package: Annotated[str | None, Meta(description="Package part of the version")]
    version_major: Annotated[int | None, Meta(description="Major number of a semantic version")]
    version_minor: Annotated[int | None, Meta(description="Minor number of a semantic version")]
    version_patch: Annotated[int | None, Meta(description="Patch number of a semantic version")]
    date_created: Annotated[datetime | None, Meta(description="When Sentry first knew it")]
    date_started: Annotated[datetime | None, Meta(description="When work on it began")]
    date_released: Annotated[datetime | None, Meta(description="When it was released")]
    first_event: Annotated[datetime | None, Meta(description="Time of its first event")]
    last_event: Annotated[datetime | None, Meta(description="Time of its latest event")]
    new_groups: Annotated[int, Meta(description="Issues first seen in it, all projects")]
    commit_count: Annotated[int, Meta(description="Commits in it")]
    deploy_count: Annotated[int, Meta(description="Deploys of it")]
    last_deploy_id: Annotated[str | None, Meta(description="Sentry's id of its latest deploy")]


class ReleaseProjectRow(Row):
    """A project that a release belongs to."""

    release_id: Annotated[int, Meta(description="Sentry's id of the release")]
    project_id: Annotated[str, Meta(description="Sentry's id of the project")]
    new_groups: Annotated[int, Meta(description="Issues of the project first seen in it")]


class DeployRow(Row):
    """A deploy of a release to an environment."""

    id: Annotated[str, Meta(description="Sentry's id of the deploy")]
    release_id: Annotated[int, Meta(description="Sentry's id of the release")]
    environment: Annotated[str, Meta(description="Name of the environment deployed to")]
    date_started: Annotated[datetime | None, Meta(description="When the deploy began")]
    date_finished: Annotated[datetime | None, Meta(description="When the deploy ended")]


class IssueRow(Row):
    """An issue as last read. A row is written again only when something in it changed."""

    id: Annotated[str, Meta(description="Sentry's id of the issue")]
    short_id: Annotated[str | None, Meta(description="Project slug and number, e.g. WEB-4Q")]
    project_id: Annotated[str, Meta(description="Sentry's id of its project")]
    status: Annotated[str, word("unresolved, resolved, ignored, pending_deletion, …")]
    substatus: Annotated[str | None, word("new, ongoing, regressed, escalating, …")]
    in_release: Annotated[str | None, Meta(description="Version it is resolved in")]
    in_next_release: Annotated[bool | None, Meta(description="Resolved in the next release")]
    auto_resolved: Annotated[bool | None, Meta(description="Resolved by age")]
    ignore_until: Annotated[datetime | None, Meta(description="Archived until this time")]
    ignore_count: Annotated[int | None, Meta(description="Archived until so many events")]
    ignore_window: Annotated[int | None, Meta(description="Minutes for ignore_count")]
    level: Annotated[str | None, word("fatal, error, warning, info, debug, …")]
    priority: Annotated[str | None, word("high, medium or low")]
    priority_locked_at: Annotated[datetime | None, Meta(description="When a person set priority")]
    platform: Annotated[str | None, word("Platform of its events")]
    issue_type: Annotated[str | None, word("Sentry's detector, e.g. error")]
    issue_category: Annotated[str | None, word("error, performance, …")]
    is_unhandled: Annotated[bool | None, Meta(description="The error was not caught by code")]
    num_comments: Annotated[int | None, Meta(description="Comments on it")]
    assignee_type: Annotated[str | None, word("user or team")]
    assignee_key: Annotated[str | None, Meta(description="Pseudonym of the assignee")]
    last_progressed_at: Annotated[
        datetime | None, Meta(description="Last step towards a fix, as Sentry derives it")
    ]
    count: Annotated[int | None, Meta(description="Events over its whole life")]
    first_seen: Annotated[datetime | None, Meta(description="Time of its first event")]
    last_seen: Annotated[datetime | None, Meta(description="Time of its latest event")]
    observed_at: Annotated[datetime, Meta(description="Sentry's time at the reading")]
    tombstone: Annotated[
        str | None, Meta(description="merged, deleted or out_of_reach; null while it is there")
    ] = None
    merged_into: Annotated[str | None, Meta(description="Id of the issue that survived")] = None


class IssueActivityRow(Row):
    """Something that happened to an issue."""

    id: Annotated[
        str, Meta(description="Hash of issue, type, time and assignee; of a first_seen no time")
    ]
    issue_id: Annotated[str, Meta(description="Sentry's id of the issue")]
    type: Annotated[str, word("What happened, e.g. set_resolved")]
    date_created: Annotated[datetime, Meta(description="When it happened")]
    actor_key: Annotated[str | None, Meta(description="Pseudonym of who did it; null: Sentry")]
    version: Annotated[str | None, Meta(description="Version of a resolution or regression")] = None
    in_next_release: Annotated[bool | None, Meta(description="Resolved in the next release")] = None
    age: Annotated[int | None, Meta(description="Hours without an event before resolution")] = None
    ignore_until: Annotated[datetime | None, Meta(description="Archived until this time")] = None
    ignore_duration: Annotated[int | None, Meta(description="Archived for minutes")] = None
    ignore_count: Annotated[int | None, Meta(description="Archived until so many events")] = None
    ignore_until_escalating: Annotated[
        bool | None, Meta(description="Archived until it escalates")
    ] = None
    assignee_type: Annotated[str | None, word("user or team")] = None
    assignee_key: Annotated[str | None, Meta(description="Pseudonym of the new assignee")] = None
    integration: Annotated[str | None, word("What assigned it, e.g. codeowners")] = None
    priority: Annotated[str | None, word("The new priority")] = None
    reason: Annotated[str | None, word("Why Sentry changed the priority")] = None
    after_days: Annotated[int | None, Meta(description="Days until it became ongoing")] = None


class ProjectErrorVolumeRow(Row):
    """Errors of a project in an hour, by what became of them. Hours without any are absent."""

    project_id: Annotated[str, Meta(description="Sentry's id of the project")]
    hour: Annotated[datetime, Meta(description="Start of the hour")]
    outcome: Annotated[str, word("accepted, filtered, rate_limited, invalid, …")]
    quantity: Annotated[int, Meta(description="Error events")]


class IssueReleaseVolumeRow(Row):
    """Events of an issue from a release on a UTC day.

    A day is replaced as a whole by the next reading that finds any event in it.
    """

    date: Annotated[date, Meta(description="UTC day")]
    project_id: Annotated[str, Meta(description="Sentry's id of the project")]
    issue_id: Annotated[str, Meta(description="Sentry's id of the issue")]
    release: Annotated[str, Meta(description="Version; empty where the event had none")]
    count: Annotated[int, Meta(description="Events")]


class LoadRunRow(Row):
    """One load. Whether all of its tables were merged, dlt's `_dlt_loads` knows."""

    run_id: Annotated[str, Meta(description="Identifier of the run")]
    as_of: Annotated[datetime, Meta(description="Sentry's time at the start: marts are as of it")]
    is_first: Annotated[bool, Meta(description="The connection's first load")]
    requests: Annotated[int, Meta(description="Requests made to Sentry")]
    waited_s: Annotated[float, Meta(description="Seconds waited for Sentry's rate limits")]
    issues_read: Annotated[int, Meta(description="Issues read")]
    issues_changed: Annotated[int, Meta(description="Issues new or changed since the last load")]


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
        hints = get_type_hints(self.row, include_extras=True)
        return pa.schema([_column(f.name, hints[f.name]) for f in structs.fields(self.row)])

    def to_arrow(self, rows: Iterable[Row]) -> pa.Table:
        """Return rows as an Arrow table of exactly this schema."""
        names = self.row.__struct_fields__
        columns: Sequence[tuple[Any, ...]] = list(zip(*map(structs.astuple, rows), strict=True))
        if not columns:
            return self.schema.empty_table()
        return pa.table(dict(zip(names, columns, strict=True)), schema=self.schema)

    def descriptions(self) -> dict[str, str]:
        """What each column holds."""
        hints = get_type_hints(self.row, include_extras=True)
        return {f.name: _meta(hints[f.name]).description or "" for f in structs.fields(self.row)}


TABLES: dict[str, Table] = {
    "organizations": Table(OrganizationRow, ("id",)),
    "projects": Table(ProjectRow, ("id",)),
    "environments": Table(EnvironmentRow, ("id",)),
    "releases": Table(ReleaseRow, ("id",)),
    "release_projects": Table(ReleaseProjectRow, ("release_id", "project_id")),
    "deploys": Table(DeployRow, ("id",)),
    "issues": Table(IssueRow, ("id",)),
    "issue_activities": Table(IssueActivityRow, ("id",)),
    "project_error_volume": Table(ProjectErrorVolumeRow, ("project_id", "hour", "outcome")),
    "issue_release_volume": Table(
        IssueReleaseVolumeRow, ("date", "project_id", "issue_id", "release"), ("date",)
    ),
    "load_runs": Table(LoadRunRow, ("run_id",)),
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
def _words(row: type[Row]) -> tuple[str, ...]:
    """Return the names of a row's columns that hold words of Sentry's."""
    hints = get_type_hints(row, include_extras=True)
    return tuple(
        field.name
        for field in structs.fields(row)
        if (_meta(hints[field.name]).extra or {}).get("is_word")
    )


def _meta(hint: Any) -> Meta:  # noqa: ANN401 - a type hint has no narrower type
    """Return the metadata of an annotated field."""
    return next(extra for extra in hint.__metadata__ if isinstance(extra, Meta))


def _column(name: str, hint: Any) -> pa.Field:  # noqa: ANN401 - a type hint has no narrower type
    """Return the Arrow field for a Struct's field, which is `T` or `T | None`, annotated."""
    bare = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    options = get_args(bare) or (bare,)
    kept = next(option for option in options if option is not NoneType)
    return pa.field(name, _ARROW_TYPES[kept], nullable=NoneType in options)

"""The privacy contract: nothing but declared fields, and people only as pseudonyms."""

import hashlib
import hmac
from collections import Counter
from datetime import UTC, datetime
from typing import get_type_hints

import msgspec
import pytest

from dlt_sources.sentry import allowlist, endpoints
from dlt_sources.sentry.checks import Checks
from dlt_sources.sentry.data_collected import KINDS
from dlt_sources.sentry.pseudonyms import Pseudonyms
from dlt_sources.sentry.readings import NOT_ASKED, READINGS
from dlt_sources.sentry.rows import activity_row, issue_row
from dlt_sources.sentry.tables import TABLES, Table

SALT = b"a salt of the connection"
NOW = datetime(2026, 11, 2, tzinfo=UTC)

STRUCTS = [
    value
    for value in vars(allowlist).values()
    if isinstance(value, type)
    and issubclass(value, msgspec.Struct)
    and value not in {msgspec.Struct, allowlist.Response, allowlist.ActivityData}
]


@pytest.mark.parametrize("struct", STRUCTS, ids=lambda struct: struct.__name__)
def test_every_field_says_what_it_is_and_why_it_is_structural(struct):
    for name, hint in get_type_hints(struct, include_extras=True).items():
        description = hint.__metadata__[0].description
        is_container = description and not description.startswith(tuple(KINDS))
        nested = str(hint)
        assert description, f"{struct.__name__}.{name}"
        assert not is_container or "allowlist." in nested or "Raw" in nested, description


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_every_stored_column_has_a_meaning(table: Table):
    assert all(table.descriptions().values())


def test_arrow_tables_have_the_declared_columns_only():
    table = TABLES["environments"]
    arrow = table.to_arrow([table.row(id="1", name="production")])
    assert arrow.schema == table.schema
    assert arrow.to_pylist() == [{"id": "1", "name": "production"}]
    assert table.to_arrow([]).schema == table.schema


def test_undeclared_fields_of_an_issue_do_not_become_objects():
    body = b"""{"id": "5", "status": "resolved", "project": {"id": "7", "name": "c4n4ry"},
        "title": "c4n4ry", "culprit": "c4n4ry", "metadata": {"value": "c4n4ry"},
        "assignedTo": {"type": "user", "id": "73900017", "name": "c4n4ry", "email": "c4n4ry"},
        "statusDetails": {"inRelease": "a@1", "actor": {"email": "c4n4ry"}, "inCommit": {}}}"""
    row = issue_row(msgspec.json.decode(body, type=allowlist.Issue), Pseudonyms(SALT), NOW)
    assert "c4n4ry" not in repr(row)
    assert "73900017" not in repr(row)
    assert row.in_release == "a@1"
    assert row.assignee_key == hmac.new(SALT, b"user:73900017", hashlib.sha256).hexdigest()[:32]


def activity(type_, data, **more):
    body = {"type": type_, "dateCreated": "2026-11-01T10:00:00Z", "data": data, **more}
    return msgspec.json.decode(msgspec.json.encode(body), type=allowlist.Activity)


@pytest.mark.parametrize(
    "type_",
    [
        "note",
        "create_issue",
        "unmerge_source",
        "seer_rca_completed",
        "set_resolved_in_commit",
        "new",
    ],
)
def test_of_other_activities_only_type_and_time_are_kept(type_):
    data = {"text": "c4n4ry", "version": "c4n4ry", "reason": "c4n4ry", "priority": "c4n4ry"}
    row = activity_row(activity(type_, data), "5", Pseudonyms(SALT), Counter())
    kept = {k: v for k, v in msgspec.structs.asdict(row).items() if v is not None}
    assert kept.keys() == {"id", "issue_id", "type", "date_created"}


def test_an_assignment_keeps_a_pseudonym_and_who_did_it():
    data = {
        "assignee": "73900017",
        "assigneeType": "team",
        "assigneeEmail": "c4n4ry",
        "integration": "codeowners",
        "rule": "c4n4ry",
    }
    row = activity_row(
        activity("assigned", data, user={"id": "73900018", "email": "c4n4ry"}),
        "5",
        Pseudonyms(SALT),
        Counter(),
    )
    assert row.assignee_key == Pseudonyms(SALT).key("team", "73900017")
    assert row.actor_key == Pseudonyms(SALT).key("user", "73900018")
    assert row.integration == "codeowners"
    assert "c4n4ry" not in repr(row)


def test_data_of_another_type_than_documented_loses_that_and_not_the_activity():
    warnings = Counter()
    data = {"version": {"c4n4ry": "c4n4ry"}, "inNextRelease": True}
    row = activity_row(activity("set_resolved_in_release", data), "5", Pseudonyms(SALT), warnings)
    Checks(Pseudonyms(SALT), warnings).settle(row)
    assert (row.type, row.version, row.in_next_release) == ("set_resolved_in_release", None, True)
    assert warnings == {"ResolvedInRelease.version: another type than documented": 1}


def test_an_activity_is_the_same_whatever_id_sentry_gives_it():
    one = activity("assigned", {"assignee": "1", "assigneeType": "user"}, id="904")
    other = activity("assigned", {"assignee": 1, "assigneeType": "user"}, id="17")
    ids = {activity_row(each, "5", Pseudonyms(SALT), Counter()).id for each in (one, other)}
    assert len(ids) == 1


def test_an_activity_stays_the_same_when_sentry_fills_in_its_version():
    before = activity("set_resolved_in_release", {"version": "", "inNextRelease": True})
    after = activity("set_resolved_in_release", {"version": "shop@1.2.0"})
    rows = [activity_row(each, "5", Pseudonyms(SALT), Counter()) for each in (before, after)]
    assert rows[0].id == rows[1].id
    assert rows[1].version == "shop@1.2.0"


def test_an_assignment_by_something_that_is_no_word_keeps_the_rest():
    data = {"assignee": "73900017", "assigneeType": "robot", "integration": "Jane Doe's rule"}
    row = activity_row(activity("assigned", data), "5", Pseudonyms(SALT), Counter())
    Checks(Pseudonyms(SALT), warnings := Counter()).settle(row)
    assert (row.integration, row.assignee_type) == ("other", "other")
    assert row.assignee_key == Pseudonyms(SALT).key("user", "73900017")
    assert warnings == {
        "issue_activities.assignee_type: a word that is not on the list": 1,
        "issue_activities.integration: a text that is not a word": 1,
    }


def test_pseudonyms_depend_on_kind_and_salt():
    keys = {
        Pseudonyms(SALT).key("user", "1"),
        Pseudonyms(SALT).key("team", "1"),
        Pseudonyms(b"another salt here").key("user", "1"),
    }
    assert len(keys) == 3
    with pytest.raises(ValueError, match="16 bytes"):
        Pseudonyms(b"short")


ENDPOINTS = [one for one in vars(endpoints).values() if isinstance(one, endpoints.Endpoint)]


def test_what_our_scopes_could_read_but_must_not_has_no_endpoint():
    paths = [f"/{endpoint.path}" for endpoint in ENDPOINTS]
    assert len(paths) == 12
    assert not [path for path in paths for part in NOT_ASKED if f"/{part}/" in path]


def test_every_request_has_a_purpose_and_one_struct_for_its_answer():
    assert {id(reading.endpoint) for reading in READINGS} == {id(one) for one in ENDPOINTS}
    assert all(reading.purpose and reading.passed_over for reading in READINGS)


def test_nothing_is_declared_that_no_request_reads():
    read = {reading.answer for reading in READINGS} | set(allowlist.ACTIVITY_DATA.values())
    read |= {allowlist.ErrorBody, allowlist.TokenResponse, allowlist.TokenRefusal}
    while inner := {one for struct in read for one in nested(struct)} - read:
        read |= inner
    assert read == set(STRUCTS)


def nested(struct):
    """The Structs in the fields of a Struct."""
    info = msgspec.inspect.type_info(struct)
    todo = [field.type for field in info.fields]
    while todo:
        one = todo.pop()
        if isinstance(one, msgspec.inspect.StructType):
            yield one.cls
        todo += [getattr(one, "item_type", None) or getattr(one, "type", None)]
        todo += getattr(one, "types", ())
        todo = [each for each in todo if each is not None]

"""Drift: no field that changed its type loses a row, and no row is lost without an error."""

from collections import Counter
from datetime import UTC, datetime
from typing import Annotated

import msgspec
import pytest
from msgspec import UNSET, Meta, Raw, Struct, UnsetType, ValidationError, field

from dlt_sources.sentry.allowlist import ActivityFeed, Issue, OutcomeStats, Release
from dlt_sources.sentry.decoding import decode
from tests.unit.sentry.scripted import LEAK, whole_chain


class Owner(Struct, rename="camel"):
    id: str
    last_seen: Annotated[datetime | None, Meta(description="time")] = None


class Part(Struct, rename="camel"):
    id: int
    new_groups: int = 0


class Row(Struct, rename="camel"):
    id: str
    owner: Owner
    num_comments: Annotated[int | UnsetType | None, Meta(description="count")] = UNSET
    seen_by: Annotated[Owner | UnsetType | None, Meta(description="who")] = UNSET
    parts: Annotated[list[Part], Meta(description="parts")] = field(default_factory=list)
    total: int = field(name="sum(quantity)", default=0)
    size: Annotated[int, Meta(ge=0)] = 0
    data: Raw = Raw(b"{}")


def read(body, kind=list[Row]):
    warnings = Counter()
    return decode(body if isinstance(body, bytes) else msgspec.json.encode(body), kind, warnings), (
        dict(warnings)
    )


def row(**more):
    return {"id": "1", "owner": {"id": "7"}, **more}


def drifted(name):
    return f"{name}: another type than documented"


def test_what_is_as_documented_is_read_as_it_is():
    found, warnings = read([row(numComments=3, seenBy=None, data={"a": [1]}), row()])
    assert (found[0].num_comments, found[0].seen_by, bytes(found[0].data)) == (
        3,
        None,
        b'{"a":[1]}',
    )
    assert (found[1].num_comments, found[1].seen_by, found[1].parts) == (UNSET, UNSET, [])
    assert warnings == {}


@pytest.mark.parametrize(
    ("changed", "python_name", "json_name"),
    [
        ({"numComments": LEAK}, "num_comments", "numComments"),
        ({"numComments": [LEAK]}, "num_comments", "numComments"),
        ({"seenBy": LEAK}, "seen_by", "seenBy"),
        ({"seenBy": {"id": 7}}, "seen_by", "seenBy"),
        ({"seenBy": {"name": LEAK}}, "seen_by", "seenBy"),
        ({"parts": {"0": LEAK}}, "parts", "parts"),
        ({"parts": [{"id": 1}, {"id": LEAK}]}, "parts", "parts"),
        ({"parts": None}, "parts", "parts"),
        ({"sum(quantity)": None}, "total", "sum(quantity)"),
        ({"sum(quantity)": LEAK}, "total", "sum(quantity)"),
        ({"size": -1}, "size", "size"),
    ],
)
def test_a_drifted_optional_field_is_unset_and_everything_else_is_kept(
    changed, python_name, json_name
):
    kept = {"numComments": 3, "seenBy": {"id": "8"}, "parts": [{"id": 5}], "sum(quantity)": 9}
    found, warnings = read([row(**kept), row(**kept | changed), row(**kept)])
    one = found[1]
    assert getattr(one, python_name) is UNSET
    assert found[0] == found[2]
    for name in {"num_comments", "seen_by", "parts", "total"} - {python_name}:
        assert getattr(one, name) == getattr(found[0], name)
    assert (one.id, one.owner) == ("1", Owner("7"))
    assert warnings == {drifted(f"Row.{json_name}"): 1}


def test_a_drifted_optional_field_inside_a_nested_struct_is_unset_in_there():
    found, warnings = read(
        [
            row(owner={"id": "7", "lastSeen": LEAK}),
            row(seenBy={"id": "8", "lastSeen": [LEAK]}),
            row(parts=[{"id": 1, "newGroups": None}, {"id": 2, "newGroups": 4}]),
        ]
    )
    assert found[0].owner == Owner("7", UNSET)
    assert found[1].seen_by == Owner("8", UNSET)
    assert found[2].parts == [Part(1, UNSET), Part(2, 4)]
    assert warnings == {drifted("Owner.lastSeen"): 2, drifted("Part.newGroups"): 1}


def test_a_nested_struct_that_is_lost_as_a_whole_counts_once():
    found, warnings = read([row(seenBy={"id": None, "lastSeen": LEAK})])
    assert found[0].seen_by is UNSET
    assert warnings == {drifted("Row.seenBy"): 1}


def test_null_and_absent_stay_apart_beside_a_drifted_field():
    found, _ = read([row(total=1, size=LEAK, seenBy=None)])
    assert found[0].seen_by is None
    assert found[0].num_comments is UNSET
    assert bytes(found[0].data) == b"{}"


def test_undeclared_fields_are_not_read_beside_a_drifted_one():
    found, _ = read([row(size=LEAK, title=LEAK, metadata={"value": LEAK}, seenBy={"id": "8"})])
    assert LEAK not in repr(found)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ([row(), row(numComments=LEAK, id=7)], "$[1].id"),
        ([row(numComments=LEAK, owner={"id": [LEAK]})], "$[0].owner.id"),
        ([row(owner=LEAK)], "$[0].owner"),
        ([LEAK], "$[0]"),
        ([[LEAK]], "$[0]"),
    ],
)
def test_a_drifted_required_field_is_an_error_that_names_its_place(body, place):
    with pytest.raises(ValidationError, match="Expected") as caught:
        read(body)
    assert str(caught.value).endswith(f" - at `{place}`")
    assert LEAK not in whole_chain(caught.value)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ([{"owner": {"id": "1"}, "numComments": LEAK}], "`id` - at `$[0]`"),
        ([row(owner={"name": LEAK}, numComments=LEAK)], "`id` - at `$[0].owner`"),
    ],
)
def test_a_missing_required_field_is_an_error_that_names_its_place(body, place):
    with pytest.raises(ValidationError) as caught:
        read(body)
    assert str(caught.value) == f"Object missing required field {place}"
    assert LEAK not in whole_chain(caught.value)


def test_a_body_of_another_form_is_an_error():
    with pytest.raises(ValidationError, match="Expected `array`, got `object`"):
        read({"detail": LEAK})
    with pytest.raises(ValidationError, match="Expected `object`, got `array`"):
        read([], Row)


@pytest.mark.parametrize(
    "body",
    [
        b'[{"id": "1", "owner": {"id": "7"}, "title": ' + b"[" * 100_000,
        b'[{"id": "1", "owner": {"id": "7"}, "numComments": "x", "data": '
        + b"[" * 100_000
        + b"]" * 100_000
        + b"}]",
        b"[" * 100_000,
    ],
)
def test_a_body_nested_too_deeply_is_an_error_and_no_crash(body):
    with pytest.raises(ValidationError) as caught:
        read(body)
    assert LEAK not in whole_chain(caught.value)


def test_invalid_utf_8_is_drift_without_its_text():
    body = b'[{"id": "1", "owner": {"id": "7"}, "seenBy": {"id": "c4n4ry\xff"}}]'
    found, warnings = read(body)
    assert found[0].seen_by is UNSET
    assert warnings == {drifted("Row.seenBy"): 1}
    with pytest.raises(ValidationError, match="Invalid UTF-8") as caught:
        read(b'[{"id": "c4n4ry\xff", "owner": {"id": "7"}}]')
    assert LEAK not in whole_chain(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        b'[{"id": "1", "owner": {"id": "7"}, "numComments": "x"}, {"id": "2", "ow',
        b'[{"id": "1", "numComments": "x", "title": "\\ud800"}]',
        b"",
        b"[{",
    ],
)
def test_what_is_no_json_is_not_taken_for_drift(body):
    with pytest.raises(msgspec.DecodeError) as caught:
        read(body)
    assert not isinstance(caught.value, ValidationError)


def test_the_structs_of_the_allowlist_can_be_read_in_parts():
    issue = {"id": "5", "status": "resolved", "project": {"id": "7"}}
    found, warnings = read(
        {**issue, "numComments": "3", "assignedTo": "user:1", "level": "error"}, Issue
    )
    assert (found.num_comments, found.assigned_to, found.level) == (UNSET, UNSET, "error")
    assert warnings == {drifted("Issue.numComments"): 1, drifted("Issue.assignedTo"): 1}

    release = {"id": 1, "version": "a@1", "newGroups": None, "projects": [{"id": 2}]}
    found, warnings = read([release], list[Release])
    assert (found[0].new_groups, found[0].projects[0].id) == (UNSET, 2)

    activity = {"type": "note", "dateCreated": "2026-11-01T10:00:00Z", "user": 7, "data": {"a": 1}}
    found, warnings = read({"activity": [activity]}, ActivityFeed)
    assert found.activity[0].date_created == datetime(2026, 11, 1, 10, tzinfo=UTC)
    assert (found.activity[0].user, bytes(found.activity[0].data)) == (UNSET, b'{"a":1}')

    stats = {"intervals": [], "groups": [{"by": {"outcome": "accepted"}, "series": {}}]}
    with pytest.raises(ValidationError, match=r"`sum\(quantity\)` - at `\$\.groups\[0\]\.series`"):
        read(stats, OutcomeStats)

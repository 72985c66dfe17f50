"""Of Sentry's published examples and of recorded answers, nothing undeclared is kept.

Both are read from the folder `shared/sentry-api` beside the checkout; nothing of them is in the
repository. The recorded answers are full of planted personal data.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.answers import (
    MARK,
    NO_FACTS,
    READERS,
    SHARED,
    collect,
    declared_type,
    encoded,
    fields_of,
    poisoned,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason=NO_FACTS)

EXAMPLES = {
    "constructed_api_errors": "error",
    "constructed_issue_activities": "activities",
    "constructed_issues_timeseries": "issue_counts",
    "constructed_release_deploys": "deploys",
    "environments_org": "environments",
    "environments_project": "environments",
    "issue_detail": "issue",
    "organization_detail": "organization",
    "organization_issues": "issues",
    "organization_projects": "projects",
    "project_issues": "issues",
    "project_releases": "releases",
    "releases_list": "releases",
    "stats_v2": "outcomes",
}
RECORDED = {
    "deploys": "deploys",
    "e400_cursor": "error",
    "e400_perpage": "error",
    "e401_bad": "error",
    "e401_none": "error",
    "e403_otherorg": "error",
    "e403_scope": "error",
    "e404_issue": "error",
    "e404_org": "error",
    "events_aggregate": "event_counts",
    "issue_org": "issue",
    "org_env": "environments",
    "org_issue_activities": "activities",
    "org_issue_activities_assigned": "activities",
    "org_issues": "issues",
    "org_issues_big": "issues",
    "org_issues_group_bulk": "issues",
    "org_issues_range": "issues",
    "org_issues_sort_new": "issues",
    "org_projects": "projects",
    "organization": "organization",
    "releases": "releases",
    "stats_v2": "outcomes",
    "stats_v2_bad": "error",
    "stats_v2_hour": "outcomes",
}

LISTS = {"activities": "activity", "event_counts": "data"}
"""Where the things are in answers that are no lists themselves."""

PLANTED = re.compile(
    r"canary|example\.test|203\.0\.113\.|persönsson|sk_live|4111 1111|7946 0958|acme\.test|gravatar"
    r"|ada admin|@|password|traceback|\.py\b",
    re.IGNORECASE,
)
"""Personal data that was planted before recording, and traces of code."""


def example(name: str) -> Any:
    return json.loads((SHARED / "examples" / f"{name}.json").read_bytes())


def recorded(name: str) -> Any:
    return json.loads((SHARED / "recorded-24.9" / f"{name}.json").read_bytes())["body"]


CASES = [
    *(
        pytest.param(example, name, reader, id=f"example-{name}")
        for name, reader in EXAMPLES.items()
    ),
    *(
        pytest.param(recorded, name, reader, id=f"recorded-{name}")
        for name, reader in RECORDED.items()
    ),
]


@pytest.mark.parametrize(("read", "name", "reader"), CASES)
def test_what_is_not_declared_is_nowhere(read, name, reader):
    answer = read(name)
    collected = collect(reader, encoded(answer))
    declared, undeclared = set(), set()
    for text, is_declared in texts(answer, READERS[reader][0]):
        (declared if is_declared else undeclared).add(text)
    everything = collected.everything().decode(errors="replace")
    leaked = {
        text
        for text in undeclared - declared
        if len(text) > 5 and text in everything and not any(text in one for one in declared)
    }
    assert not leaked


@pytest.mark.parametrize(("read", "name", "reader"), CASES)
def test_what_was_planted_is_nowhere(read, name, reader):
    collected = collect(reader, encoded(read(name)))
    assert [text for text in collected.texts() if PLANTED.search(without_versions(text))] == []
    assert not PLANTED.search(without_versions(collected.said))


@pytest.mark.parametrize(("read", "name", "reader"), CASES)
def test_canaries_in_all_other_fields_change_nothing(read, name, reader):
    answer = read(name)
    plain = collect(reader, encoded(answer))
    canaries = collect(reader, encoded(poisoned(answer, READERS[reader][0])))
    assert MARK.encode() not in canaries.everything()
    assert canaries.tables == plain.tables
    assert canaries.warnings == plain.warnings


@pytest.mark.parametrize(("read", "name", "reader"), CASES)
def test_no_id_of_a_person_is_anywhere(read, name, reader):
    assert b"73900017" not in collect(reader, encoded(with_person(read(name)))).everything()


@pytest.mark.parametrize(("read", "name", "reader"), CASES)
def test_every_row_arrives(read, name, reader):
    answer = read(name)
    collected = collect(reader, encoded(answer))
    assert collected.failure is None
    listed = answer if isinstance(answer, list) else answer.get(LISTS.get(reader, ""), [])
    assert sum(table.num_rows for table in collected.tables.values()) >= len(listed)


def texts(value: Any, kind: Any) -> Iterator[tuple[str, bool]]:
    """Yield every text of an answer, and whether it is declared to be read."""
    declared = None if kind is None else declared_type(kind, value)
    if isinstance(value, str):
        yield value, declared is not None
    elif isinstance(value, list):
        for one in value:
            yield from texts(one, getattr(declared, "item_type", None))
    elif isinstance(value, dict):
        fields = fields_of(declared, value)
        for key, one in value.items():
            yield from texts(one, fields.get(key))


def with_person(value: Any) -> Any:
    """Return an answer in which everybody has an id that can be looked for."""
    if isinstance(value, list):
        return [with_person(one) for one in value]
    if not isinstance(value, dict):
        return value
    ids = {"id"} if value.keys() & {"email", "username"} else {"assignee"} & value.keys()
    return {key: with_person(one) for key, one in value.items()} | dict.fromkeys(ids, "73900017")


def without_versions(text: str) -> str:
    """A version may have an `@`, as in `shop@1.4.0`."""
    return re.sub(r"[\w.-]+@\d", "", text)

"""Whatever Sentry answers: what is not declared is nowhere, and what changed its type is counted.

Answers are made from the schemas of Sentry's API description (from examples where it has none),
with canaries in all that is not declared. Then some declared fields get values of other types.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from dlt_sources.sentry import allowlist
from tests.contract.answers import (
    CANARY,
    MARK,
    NO_FACTS,
    READERS,
    SHARED,
    collect,
    encoded,
    poisoned,
)
from tests.contract.made_answers import (
    DESCRIBED,
    ODD,
    OTHER_TYPES,
    SHOWN,
    answers,
    changed,
    declared_places,
    drift,
    full_answer,
)

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason=NO_FACTS)

ANSWERS = 40
"""Answers made for each request; with drift and without. All together take some 15 s."""

quick = settings(
    max_examples=ANSWERS,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],  # making a failing answer smaller takes minutes; its path is shown
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("name", [*DESCRIBED, *SHOWN])
def test_of_any_answer_only_declared_fields_are_kept(name):
    kind = READERS[name][0]

    @quick
    @given(answers(name))
    def check(answer):
        collected = collect(name, encoded(poisoned(answer, kind)))
        assert MARK.encode() not in collected.everything()
        assert collected.failure is None
        assert rows_of(name, collected) == len(listed(name, answer))
        assert collected.tables == collect(name, encoded(answer)).tables

    check()


@pytest.mark.parametrize("name", [*DESCRIBED, *SHOWN])
def test_a_field_of_another_type_is_counted_and_costs_no_row(name):
    kind = READERS[name][0]

    @quick
    @given(answers(name), st.data())
    def check(answer, data):
        drifted, is_required = drift(poisoned(answer, kind), kind, data.draw)
        assert_nothing_lost(name, answer, drifted, is_required)

    check()


def assert_nothing_lost(name: str, answer: Any, drifted: Any, is_required: bool) -> None:  # noqa: FBT001
    """Assert that values of other types are counted, without them, and that no row is missing."""
    content = encoded(drifted)
    collected = collect(name, content)
    assert MARK.encode() not in collected.everything()
    if collected.failure is not None:
        assert is_required
    elif is_readable(content, READERS[name][0]):
        assert rows_of(name, collected) == len(listed(name, drifted))
    else:
        assert rows_of(name, collected) == len(listed(name, answer))
        assert collected.warnings


@pytest.mark.parametrize("name", READERS)
def test_each_field_may_have_a_value_of_each_other_type(name):
    answer = full_answer(name)
    for path, is_required in declared_places(answer, READERS[name][0]):
        for value in ODD:
            assert_nothing_lost(name, answer, changed(answer, path, value), is_required)


ACTIVITY_TYPES = """
    set_resolved set_unresolved set_ignored set_public set_private set_regression create_issue note
    first_seen release assigned unassigned set_resolved_in_release merge set_resolved_by_age
    set_resolved_in_commit deploy new_processing_issues unmerge_source unmerge_destination
    set_resolved_in_pull_request reprocess mark_reviewed auto_set_ongoing set_escalating
    set_priority deleted_attachment referenced_in_commit seer_rca_started seer_rca_completed
    seer_solution_started seer_solution_completed seer_coding_started seer_coding_completed
    seer_pr_created seer_iteration_started seer_iteration_completed trigger_autofix
    pull_request_merged a_type_of_next_year
"""


@pytest.mark.parametrize("type_", ACTIVITY_TYPES.split())
def test_of_any_activitys_data_only_declared_fields_are_kept(type_):
    names = {name for struct in allowlist.ACTIVITY_DATA.values() for name in wire_names(struct)}
    names |= {"text", "title", "commit", "pullRequest", "rule", "assigneeEmail", "assigneeName"}
    fields = st.dictionaries(st.sampled_from(sorted(names)), OTHER_TYPES)

    @quick
    @given(st.one_of(fields, OTHER_TYPES), st.booleans())
    def check(data, has_user):
        user = {"id": "73900017", "name": CANARY, "email": CANARY} if has_user else None
        activity = {"id": CANARY, "type": type_, "dateCreated": "2026-11-01T10:00:00Z"}
        activity |= {"data": data, "user": user, "sentry_app": {"name": CANARY}}
        collected = collect("activities", encoded({"activity": [activity]}))
        assert collected.failure is None
        (row,) = collected.tables["issue_activities"].to_pylist()
        assert row["type"] == type_
        assert MARK.encode() not in collected.everything()
        assert b"73900017" not in collected.everything()

    check()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"<html>c4n4ry</html>",
        b'{"detail": "c4n4ry"}',
        b'[{"id": "5", "status": "c4n4ry',
        b'[{"title": "\\ud800 c4n4ry", "id": "5"}]',
        b'[{"title": "c4n4ry \xff\xfe"}]',
        b"c4n4ry" * 1_000,
        b'{"a":' * 5_000 + b'"c4n4ry"' + b"}" * 5_000,
        b"[" * 100_000,
        b'[{"id": "5", "status": "resolved", "project": {"id": "7"}, "title": '
        + b"[" * 5_000
        + b'"c4n4ry"'
        + b"]" * 5_000
        + b"}]",
    ],
    ids=range(11),
)
@pytest.mark.parametrize("name", READERS)
def test_what_is_no_answer_at_all_is_a_failure_without_values(name, content):
    collected = collect(name, content)
    assert MARK.encode() not in collected.everything()
    assert collected.failure is not None or not collected.tables


def is_readable(content: bytes, kind: Any) -> bool:
    """Whether an answer is of the declared types after all."""
    try:
        msgspec.json.decode(content, type=kind)
    except msgspec.DecodeError:
        return False
    return True


def listed(name: str, answer: Any) -> list[Any]:
    """The things in an answer of which each has to become a row, or several."""
    if name == "outcomes":
        return [hour for group in answer["groups"] for hour in group["series"]["sum(quantity)"]]
    if name in {"issue", "issue_counts", "error"}:
        return []
    if name in {"activities", "event_counts"}:
        return answer["activity" if name == "activities" else "data"]
    return answer if isinstance(answer, list) else [answer]


def rows_of(name: str, collected: Any) -> int:
    """How many rows the things themselves have become."""
    tables = {"outcomes": "project_error_volume", "event_counts": "issue_release_volume"}
    tables |= {"activities": "issue_activities", "organization": "organizations"}
    table = collected.tables.get(tables.get(name, name))
    return table.num_rows if table else 0


def wire_names(struct: Any) -> list[str]:
    return [one.encode_name for one in msgspec.structs.fields(struct)]

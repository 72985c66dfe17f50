"""Rows are finished before they are stored: gaps filled, words and labels checked."""

import hashlib
import hmac
from collections import Counter
from datetime import UTC, datetime
from threading import Thread

import msgspec
import pyarrow as pa
import pytest
from msgspec import UNSET

from dlt_sources.sentry import checks, vocabulary
from dlt_sources.sentry.checks import Checks
from dlt_sources.sentry.errors import UnexpectedResponse
from dlt_sources.sentry.pseudonyms import Pseudonyms
from dlt_sources.sentry.tables import TABLES

SALT = b"a salt of the connection"
NOW = datetime(2026, 11, 2, tzinfo=UTC)


def row(table, **values):
    """A row of which only the given columns are known."""
    kind = TABLES[table].row
    return kind(**(dict.fromkeys(kind.__struct_fields__, UNSET) | values))


def issue(**values):
    return row("issues", **({"id": "5", "project_id": "7", "observed_at": NOW} | values))


def release(version, package=None):
    return row("releases", id=3, version=version, package=package)


def settled(one, previous=None):
    warnings = Counter()
    Checks(Pseudonyms(SALT), warnings).settle(one, previous)
    return one, warnings


def withheld(text):
    return f"withheld:{hmac.new(SALT, f'label:{text}'.encode(), hashlib.sha256).hexdigest()[:16]}"


def test_a_column_that_is_unset_keeps_what_is_stored():
    previous, _ = settled(issue(level="error", count=12, status="resolved"))
    one, warnings = settled(issue(level="fatal", status="unresolved"), previous)
    assert (one.level, one.count, one.status) == ("fatal", 12, "unresolved")
    assert not warnings


def test_a_column_that_is_null_becomes_null():
    previous, _ = settled(issue(status="resolved", priority="high", assignee_key="ab"))
    one, _ = settled(issue(status="resolved", priority=None, assignee_key=None), previous)
    assert (one.priority, one.assignee_key) == (None, None)


def test_without_a_previous_row_what_is_unset_is_null():
    one, _ = settled(issue(status="resolved"))
    values = msgspec.structs.asdict(one)
    assert UNSET not in values.values()
    assert {name for name, value in values.items() if value is not None} == {
        "id",
        "project_id",
        "status",
        "observed_at",
    }


def test_a_required_word_without_a_value_is_other():
    assert settled(issue())[0].status == "other"


def test_anything_else_required_without_a_value_is_a_failure_that_names_the_column():
    with pytest.raises(UnexpectedResponse, match=r"releases\.version"):
        settled(row("releases", id=3))


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ("status", vocabulary.ISSUE_STATUS),
        ("substatus", vocabulary.ISSUE_SUBSTATUS),
        ("level", vocabulary.LEVEL),
        ("priority", vocabulary.PRIORITY),
        ("issue_category", vocabulary.ISSUE_CATEGORY),
        ("assignee_type", vocabulary.ASSIGNEE_TYPE),
    ],
)
def test_of_a_closed_list_only_its_words_are_stored(column, words):
    for word in words.words:
        one, warnings = settled(issue(**{"status": "resolved", column: word}))
        assert (getattr(one, column), warnings) == (word, Counter())
    one, warnings = settled(issue(**{"status": "resolved", column: "jane"}))
    assert getattr(one, column) == "other"
    assert warnings == {f"issues.{column}: a word that is not on the list": 1}


@pytest.mark.parametrize("text", ["jane@corp.example", "John Doe", "x" * 65, "a\nb", "ä"])
def test_of_an_open_list_any_single_word_is_stored(text):
    one, warnings = settled(issue(status="resolved", platform="python", issue_type=text))
    assert (one.platform, one.issue_type) == ("python", "other")
    assert warnings == {"issues.issue_type: a text that is not a word": 1}


@pytest.mark.parametrize(
    "version",
    [
        "",
        "shop@1.4.0",
        "com.example.shop@2.0.0-rc.1+build.5",
        "shop@v1.4.0",
        "@corvana/web@1.4.0",
        "feature/login@3",
        "release 2026 (hotfix)",
        "f3a1c9d2e4",
        "shop@main.deadbeef",
        "shop@next.beta",
        "shop@2026.11-final",
        "shop@stable",
        "große-änderung@1.0",
        "x" * 250,
    ],
)
def test_versions_that_sentry_allows_are_stored(version):
    one, warnings = settled(release(version))
    assert (one.version, warnings) == (version, Counter())


@pytest.mark.parametrize(
    "version",
    [
        "x" * 251,
        "two\nlines",
        "a\ttab",
        "back\\slash",
        "nul\x00",
        "\u2028",
        "jane@corp.example",
        "shop built by jane.doe+x@mail.corp.co.uk (hotfix)",
        "Jane <JANE@CORP.COM>",
        "shop@jané@müller.de",
        "git@github.com:corp/shop",
        "https://public@o1.ingest.sentry.io/4",
    ],
)
def test_other_versions_are_withheld_and_stay_equal_to_themselves(version):
    one, warnings = settled(release(version))
    assert one.version == withheld(version)
    assert warnings == {"releases.version: a label that breaks the rule": 1}

    resolved, _ = settled(issue(status="resolved", in_release=version))
    volume, _ = settled(
        row(
            "issue_release_volume",
            date=NOW.date(),
            project_id="7",
            issue_id="5",
            release=version,
            count=1,
        )
    )
    assert one.version == resolved.in_release == volume.release


def test_the_package_of_a_version_that_is_withheld_is_withheld():
    one, warnings = settled(release("jane@corp.example", package="jane"))
    assert (one.version, one.package) == (withheld("jane@corp.example"), withheld("jane"))
    assert warnings.total() == 1
    assert settled(release("jane@1.4.0", package="jane"))[0].package == "jane"


@pytest.mark.parametrize(
    ("table", "column", "good", "bad"),
    [
        ("organizations", "slug", ["acme", "Acme-2"], ["a b", "a.b", "x" * 101, ""]),
        ("projects", "slug", ["web", "web_2", "42"], ["web/2", "jane@corp.example"]),
        ("environments", "name", ["", "prod eu-1", "x" * 64], ["x" * 65, "a/b", "CORP\\jane"]),
        ("deploys", "environment", ["production"], ["a\nb"]),
        ("issues", "short_id", ["WEB-4Q", "SHOP-WEB_2-1A"], ["WEB", "WEB-", "A title-1"]),
        ("issues", "id", ["5", "9" * 20], ["jane", "", "5 ", "9" * 21]),
    ],
)
def test_other_labels_have_rules_of_their_own(table, column, good, bad):
    required = {"id": "5", "slug": "x", "name": "x", "environment": "x", "project_id": "7"}
    required |= {"release_id": 3, "date_created": NOW, "observed_at": NOW, "status": "resolved"}
    names = TABLES[table].row.__struct_fields__
    base = {name: value for name, value in required.items() if name in names}
    if table == "organizations":
        base["status"] = "active"
    for text in good + bad:
        one, warnings = settled(row(table, **(base | {column: text})))
        assert getattr(one, column) == (text if text in good else withheld(text))
        assert warnings.total() == (text in bad)


def test_settling_again_changes_and_counts_nothing():
    first, _ = settled(issue(status="?", in_release="a\nb", short_id="jane@corp.example"))
    copy = msgspec.structs.replace(first)
    again, warnings = settled(copy, first)
    assert (again, warnings) == (first, Counter())


def test_a_number_that_the_warehouse_has_no_room_for_is_dropped_and_counted():
    one, warnings = settled(issue(status="resolved", count=2**63))
    assert one.count is None
    assert warnings == {"issues.count: a number out of range": 1}
    with pytest.raises(UnexpectedResponse, match=r"project_error_volume\.quantity"):
        settled(
            row(
                "project_error_volume",
                project_id="7",
                hour=NOW,
                outcome="accepted",
                quantity=2**63,
            )
        )


def test_a_date_is_a_date_and_nothing_says_what_was_replaced():
    canary = "c4n4ry jane@corp.example"
    one, warnings = settled(issue(status=canary, level=canary, in_release=canary, short_id=canary))
    assert canary not in repr(one) + repr(warnings)


def test_remembered_texts_are_bounded(monkeypatch):
    monkeypatch.setattr(checks, "REMEMBERED", 3)
    finisher = Checks(Pseudonyms(SALT), warnings := Counter())
    for number in range(20):
        finisher.settle(issue(id=str(number), status="resolved", level="error"))
        finisher.settle(issue(id="x", status="resolved"))
    texts = dict(finisher._columns[TABLES["issues"].row].texts)
    assert max(len(text.accepted) for text in texts.values()) <= 3
    assert warnings == {"issues.id: an id that is not a number": 20}


def test_warnings_of_several_threads_all_count():
    finisher = Checks(Pseudonyms(SALT), warnings := Counter())

    def work():
        for _ in range(2_000):
            finisher.settle(issue(status="?"))

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert warnings.total() == 8_000


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_every_text_that_is_stored_has_a_rule_or_is_ours(table):
    texts = {field.name for field in table.schema if field.type == pa.string()}
    made_by_us = {"actor_key", "assignee_key", "run_id"}
    if table in (TABLES["issue_activities"], TABLES["load_coverage"]):
        made_by_us |= {"id", "name"}
    assert texts - made_by_us <= table.rules().keys() <= texts


def test_what_was_not_settled_never_becomes_arrow():
    for column in ("status", "level", "in_release", "platform"):
        one, _ = settled(issue(status="resolved"))
        setattr(one, column, "c4n4ry jane@corp.example")
        with pytest.raises(ValueError, match=rf"IssueRow\.{column} .* not settled") as caught:
            TABLES["issues"].to_arrow([one])
        assert "c4n4ry" not in str(caught.value)
    with pytest.raises(ValueError, match="not settled"):
        TABLES["deploys"].to_arrow([row("deploys", id="5", release_id=3)])

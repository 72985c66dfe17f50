"""Receipts of deletions on the page."""

import json
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from include.purge.receipts import Draft, Kind, StepDone, Verified, open_receipts, organization

HOSTILE = '"><script>alert(1)</script>'


@pytest.fixture
def receipt(registry):
    receipts = open_receipts(registry)
    appended = receipts.append(
        Draft(
            kind=Kind.PURGE,
            connection="c0123456789abcdef",
            organization=organization("4507310012349440"),
            requested_at=datetime(2026, 11, 26, 9, 30, tzinfo=UTC),
            steps=[
                StepDone(
                    step="warehouse",
                    title="Warehouse: raw tables and marts",
                    is_done=True,
                    deleted={"files": 1, "bytes": 1_234_567, "rows": 42},
                    note=HOSTILE,
                )
            ],
            verification=Verified(
                is_clean=True, places=["data folder"], files=12, bytes=3456, words=78, marks=9
            ),
        )
    )
    return receipts.get(appended.number)


def test_the_page_leads_to_them(admin, receipt):
    home = admin.get("/integrations/")
    assert 'href="/integrations/sentry/receipts"' in home.text
    listed = admin.get("/integrations/sentry/receipts").text
    assert 'href="/integrations/sentry/receipts/1"' in listed
    assert receipt.connection in listed


def test_without_any_it_says_so(admin):
    assert "Nothing has been deleted yet." in admin.get("/integrations/sentry/receipts").text


def test_a_receipt_says_what_was_deleted_and_proves_itself(admin, receipt):
    shown = admin.get("/integrations/sentry/receipts/1").text
    for said in (
        "1,234,567 bytes, 1 files, 42 rows",
        "Nothing was found.",
        "26 Nov 2026, 09:30 UTC",
        "78 values",
        receipt.hash,
        receipt.previous,
        "Backups and snapshots",
    ):
        assert said in shown, said
    assert "4507310012349440" not in shown
    assert HOSTILE not in shown
    assert "&lt;script&gt;" in shown


def test_downloads_are_what_is_in_the_chain(admin, receipt):
    answer = admin.get("/integrations/sentry/receipts/1/json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-disposition"] == (
        'attachment; filename="receipt-1-c0123456789abcdef.json"'
    )
    assert sha256(answer.content).hexdigest() == receipt.hash
    assert json.loads(answer.content)["connection"] == receipt.connection
    page = admin.get("/integrations/sentry/receipts/1/html")
    assert page.headers["content-disposition"].startswith("attachment")
    assert page.text == receipt.to_html()


@pytest.mark.parametrize(
    ("path", "status"), [("2", 404), ("x", 400), ("1/pdf", 400), ("1/../../data", 404)]
)
def test_what_is_not_there(admin, receipt, path, status):
    answer = admin.get(f"/integrations/sentry/receipts/{path}")
    assert answer.status_code in {status, 200} if ".." in path else answer.status_code == status

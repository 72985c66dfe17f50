"""Whom is told what, and how often: through Airflow's notifiers, to servers over real sockets."""

import logging
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from include import watching
from include.connections.incidents import Incidents, Kind
from include.connections.models import ConnectionRow, IncidentRow
from include.connections.registry import open_registry
from include.connections.states import Reason
from include.connections.tokens import Grant
from include.settings import Settings
from tests.connected import SCOPES, connected
from tests.receivers import MailServer, Webhook, serving

HOUR = timedelta(hours=1)
SECRET_PATH = "services/T0000/B0000/a-secret-of-the-webhook"
GRANT = Grant("another-token", None, None, SCOPES)
PAGE = "https://airflow.example.com/integrations/"


@pytest.fixture(autouse=True)
def address(airflow, monkeypatch):
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example.com")


@pytest.fixture
def mail(monkeypatch):
    server = MailServer()
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", server.connection)
    with serving(server):
        yield server


@pytest.fixture
def webhook(monkeypatch):
    server = Webhook()
    monkeypatch.setenv("AIRFLOW_CONN_CHAT", server.connection(SECRET_PATH))
    with serving(server):
        yield server


@pytest.fixture
def use(tmp_path, monkeypatch):
    """Return a function that has an installation of this test's own notify somebody."""

    def make(*receivers):
        current = Settings(data_dir=tmp_path / "data", notify=receivers)
        monkeypatch.setattr(watching, "settings", lambda: current)
        return open_registry(current)

    return make


@pytest.fixture
def mailing(use, mail):
    return use("smtp:ops@example.com")


def age(registry, connection, **ages):
    now = datetime.now(UTC)
    if "published" in ages:
        registry.reports.change(
            connection.id, lambda report: setattr(report, "published_at", now - ages["published"])
        )
    if "changed" in ages:
        with registry.database.writing() as session:
            session.execute(
                update(ConnectionRow)
                .where(ConnectionRow.id == connection.id)
                .values(changed_at=now - ages["changed"])
            )


def fail(connection):
    """What Airflow does when a task of the connection's DAG has failed for good."""
    watching.LoadFailed(connection.id)({})


def text(mail):
    (part,) = mail.get_payload()
    return part.get_payload(decode=True).decode()


def kinds(registry):
    return [incident.kind for incident in Incidents(registry.database).all()]


def test_nobody_is_told_if_nobody_is_named(use, mail):
    registry = use()
    one = connected(registry, "https://sentry.io", "lumen-goods", "a-token")
    registry.lose(one.id, Reason.REVOKED, "tests")
    watching.tell()
    fail(one)
    assert mail.mails == []
    assert kinds(registry) == []


def test_a_connection_that_was_lost_is_told_once_with_what_to_do(mailing, mail):
    one = connected(mailing, "https://sentry.io", "lumen-goods", "a-token")
    watching.tell()
    assert mail.mails == []
    mailing.lose(one.id, Reason.REVOKED, "tests")
    for _ in range(3):
        watching.tell()
    (told,) = mail.mails
    assert told["To"] == "ops@example.com"
    assert told["From"] == "corvana@example.com"
    assert told["Subject"].replace("\n", "") == (
        f"corvana-sentry: The connection {one.id} is disconnected, because Sentry does not accept "
        "it any more"
    )
    assert "has the button Reconnect" in text(told)
    assert PAGE in text(told)
    assert "docs/runbook.md" in text(told)
    assert "lumen-goods" not in told.as_string() + text(told)


def test_what_happens_again_after_it_was_over_is_told_again(mailing, mail):
    one = connected(mailing, "https://sentry.io", "lumen-goods", "a-token")
    for _ in range(2):
        mailing.lose(one.id, Reason.REVOKED, "tests")
        watching.tell()
        mailing.reconnect(one.id, GRANT, "lumen-goods", "tests")
        watching.tell()
    assert len(mail.mails) == 2
    assert kinds(mailing) == []


def test_a_load_that_failed_for_good_is_told_at_once_and_not_again_until_one_succeeded(
    mailing, mail
):
    one = connected(mailing, "https://sentry.io", "lumen-goods", "a-token")
    fail(one)
    assert len(mail.mails) == 1
    assert f"The connection {one.id} could not be loaded" in text(mail.mails[0])
    for _ in range(3):
        fail(one)
        watching.tell()
    assert len(mail.mails) == 1
    age(mailing, one, published=timedelta())
    watching.tell()
    assert kinds(mailing) == []
    fail(one)
    assert len(mail.mails) == 2


def test_a_load_that_found_the_connection_lost_is_told_as_that(mailing, mail):
    one = connected(mailing, "https://sentry.io", "lumen-goods", "a-token")
    mailing.lose(one.id, Reason.REVOKED, "tests")
    fail(one)
    watching.tell()
    assert len(mail.mails) == 1
    assert "is disconnected" in text(mail.mails[0])
    assert kinds(mailing) == [Kind.LOST]


def test_a_disconnect_by_a_person_is_no_alarm(mailing, mail):
    one = connected(mailing, "https://sentry.io", "lumen-goods", "a-token")
    mailing.disconnect(one.id, "tests")
    fail(one)
    watching.tell()
    assert mail.mails == []


def test_when_all_fail_at_once_there_are_two_messages_and_not_a_hundred(mailing, mail):
    made = [connected(mailing, "https://sentry.io", f"shop-{n}", "a-token") for n in range(8)]
    for one in made:
        fail(one)
    assert len(mail.mails) == 1
    watching.tell()
    assert len(mail.mails) == 2
    assert mail.mails[1]["Subject"] == "corvana-sentry: 7 connections need attention"
    assert all(one.id in text(mail.mails[1]) for one in made[1:])
    watching.tell()
    assert len(mail.mails) == 2


def test_overdue_loads_are_told_unless_a_failure_says_why(mailing, mail):
    quiet, failed, fresh = (
        connected(mailing, "https://sentry.io", name, "a-token") for name in ("a", "b", "c")
    )
    fail(failed)
    for one in (quiet, failed):
        age(mailing, one, changed=90 * HOUR, published=9 * HOUR)
    watching.tell()
    watching.tell()
    assert len(mail.mails) == 2
    assert f"The connection {quiet.id} is overdue: its load of" in text(mail.mails[1])
    assert failed.id not in text(mail.mails[1])
    assert fresh.id not in text(mail.mails[1])


def test_a_late_purge_is_told_after_twelve_hours_and_again_after_twenty_four(mailing, mail):
    one = connected(mailing, "https://sentry.io", "lumen-goods", "a-token")
    mailing.disconnect(one.id, "tests")
    for hours, mails in ((11, 0), (12.5, 1), (20, 1), (24.5, 2), (30, 2)):
        age(mailing, one, changed=hours * HOUR)
        watching.tell()
        assert len(mail.mails) == mails
    assert "12 hours ago, and its data is not deleted yet" in text(mail.mails[0])
    assert "the promise of 24 hours is broken" in text(mail.mails[1])
    mailing.purged(one.id, "tests")
    watching.tell()
    assert kinds(mailing) == []


def test_what_could_not_be_sent_is_sent_the_next_time(mailing, mail, caplog):
    one = connected(mailing, "https://sentry.io", "lumen-goods", "a-token")
    mail.is_refusing = True
    fail(one)
    watching.tell()
    assert mail.mails == []
    assert "could not be sent by smtp" in caplog.text
    mail.is_refusing = False
    watching.tell()
    watching.tell()
    assert len(mail.mails) == 1


def test_what_a_killed_process_claimed_is_told_later(mailing, mail):
    one = connected(mailing, "https://sentry.io", "lumen-goods", "a-token")
    mailing.lose(one.id, Reason.REVOKED, "tests")
    incidents = Incidents(mailing.database)
    incidents.settle([], list(watching._seen(watching.settings(), mailing, [], datetime.now(UTC))))
    assert len(incidents.claim(datetime.now(UTC))) == 1  # and then it is killed
    watching.tell()
    assert mail.mails == []
    with mailing.database.writing() as session:
        session.execute(update(IncidentRow).values(claimed_at=datetime.now(UTC) - HOUR))
    watching.tell()
    assert len(mail.mails) == 1


def test_a_webhook_gets_text_and_its_address_is_in_no_log(use, webhook, caplog):
    registry = use("http:chat")
    one = connected(registry, "https://sentry.io", "lumen-goods", "a-token")
    with caplog.at_level(logging.DEBUG):
        webhook.status = 500
        fail(one)
        webhook.status = 200
        watching.tell()
    (_, first), (path, second) = webhook.posted
    assert path == f"/{SECRET_PATH}"
    assert first == second
    assert set(second) == {"text"}
    assert f"The connection {one.id} could not be loaded" in second["text"]
    assert PAGE in second["text"]
    assert "lumen-goods" not in str(webhook.posted)
    ours = [record for record in caplog.records if record.name != "urllib3.connectionpool"]
    assert SECRET_PATH not in "\n".join(record.getMessage() for record in ours)


def test_all_receivers_are_told_even_if_one_cannot_be(use, mail, webhook):
    registry = use("http:no_such_connection", "smtp:ops@example.com", "http:chat")
    fail(connected(registry, "https://sentry.io", "lumen-goods", "a-token"))
    assert len(mail.mails) == len(webhook.posted) == 1


def test_a_registry_that_does_not_answer_fails_nothing(use, mail, monkeypatch, caplog):
    from sqlalchemy.exc import OperationalError  # noqa: PLC0415

    registry = use("smtp:ops@example.com")
    one = connected(registry, "https://sentry.io", "lumen-goods", "a-token")

    def broken(_):
        raise OperationalError("select a secret", {}, Exception("a secret"))

    monkeypatch.setattr(watching, "open_registry", broken)
    fail(one)
    assert "the failure could not be noted (OperationalError)" in caplog.text
    assert "a secret" not in caplog.text


def test_a_run_that_fails_in_airflow_tells(run_of, registry, sandbox, mail, monkeypatch):
    """The real DAG of a connection, whose token Sentry does not accept."""
    from include.settings import settings  # noqa: PLC0415

    monkeypatch.setattr(
        watching, "settings", lambda: settings().model_copy(update={"notify": ("smtp:a@b",)})
    )
    lost = connected(registry, sandbox.base_url, "nobody-here", "no-such-token")
    assert run_of(lost).state == "failed"
    assert len(mail.mails) == 1
    assert f"The connection {lost.id} is disconnected" in text(mail.mails[0])

"""`corvana connections` and `corvana keys`, as people call them, against a sandbox."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
from urllib.parse import urlencode, urlsplit

import httpx
import pytest
from cryptography.fernet import Fernet

from include.connections.models import ReceiptRow
from include.connections.registry import open_registry
from include.connections.states import Reason, State
from include.purge.receipts import Draft, Kind, open_receipts
from include.sandbox.generate import DEFAULT_NOW, generate
from include.sandbox.server import running
from include.settings import PROJECT_ROOT, Settings
from tests.connected import connected
from tests.integration.consenting import consent
from tests.ports import free_port
from tests.unit.test_cli import command as plain_command
from tests.unit.test_cli import corvana

OTHERS = [{"id": "4507310012340001", "slug": "lumen-labs"}]


@pytest.fixture
def sandbox():
    with running(generate(seed=11, now=DEFAULT_NOW, issues=60)) as up:
        yield up


@pytest.fixture
def current(tmp_path):
    return Settings(data_dir=tmp_path)


@pytest.fixture
def registry(current):
    return open_registry(current)


def command(current, sandbox, *arguments):
    server = urlsplit(sandbox.base_url)
    application = {
        "conn_type": "http",
        "schema": "http",
        "host": server.hostname,
        "port": server.port,
        "login": "sandbox-client",
        "password": "sandbox-client-secret",
    }
    started = plain_command(current, *arguments)
    started["env"] |= {"AIRFLOW_CONN_SENTRY_OAUTH_APP": json.dumps(application)}
    return started


def consented(current, sandbox, *arguments, answer="approve", typed=""):
    """Run a command that asks for consent, and answer it in the browser; return what it printed."""
    port = free_port()
    started = command(current, sandbox, "connections", *arguments, "--port", str(port))
    started["stdin"] = subprocess.PIPE
    with subprocess.Popen(
        **started, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=1
    ) as process:
        shown = ""
        while not (found := re.search(r"(http://\S+/oauth/authorize/\S+)", shown)):
            shown += process.stderr.readline()
        brought = consent(found[1], answer)
        httpx.get(f"http://127.0.0.1:{port}/callback?{urlencode(brought)}", trust_env=False)
        _, rest = process.communicate(typed, timeout=60)
    return process.returncode, shown + rest


def test_an_organization_is_connected_from_the_terminal(current, sandbox, registry):
    code, printed = consented(current, sandbox, "connect")
    assert code == 0, printed
    (connection,) = registry.all()
    assert connection.state is State.CONNECTED
    assert connection.organization_slug == "lumen-goods"
    assert f"Connected lumen-goods as {connection.id}" in printed
    for secret in [*sandbox.tokens.issued, "sandbox-client-secret"]:
        assert secret not in printed

    listed = corvana(current, "connections", "list")
    assert re.search(rf"{connection.id}\s+lumen-goods\s+connected", listed.stdout)
    shown = corvana(current, "connections", "show", connection.id[:5])
    assert "every hour" in shown.stdout
    assert re.search(r"connected, by cli", shown.stdout)


@pytest.mark.parametrize(
    ("options", "typed"),
    [(["--organization", "lumen-labs"], ""), ([], "2\n"), ([], "lumen-labs\n")],
)
def test_of_several_organizations_one_is_chosen(current, sandbox, registry, options, typed):
    sandbox.behaviours.set(other_organizations=OTHERS)
    code, printed = consented(current, sandbox, "connect", *options, typed=typed)
    assert code == 0, printed
    assert [one.organization_slug for one in registry.all()] == ["lumen-labs"]


def test_without_a_choice_or_a_consent_nothing_is_left(current, sandbox, registry):
    sandbox.behaviours.set(other_organizations=OTHERS)
    code, printed = consented(current, sandbox, "connect", typed="neither\n")
    assert code == 1
    assert "No organization was chosen: nothing was connected." in printed
    sandbox.tokens.revoke()
    code, printed = consented(current, sandbox, "connect", answer="deny")
    assert code == 1
    assert {one.state for one in registry.all()} == {State.PURGED}


def test_a_lost_connection_says_what_to_do_and_is_connected_again(current, sandbox, registry):
    code, printed = consented(current, sandbox, "connect")
    assert code == 0, printed
    (connection,) = registry.all()
    salt = registry.tokens.of(connection.id).salt
    registry.lose(connection.id, Reason.REVOKED, "load")
    shown = corvana(current, "connections", "show", connection.id)
    assert "disconnected" in shown.stdout
    assert "Access was revoked in Sentry. Reconnect" in shown.stdout
    assert "data deleted" in shown.stdout
    code, printed = consented(current, sandbox, "reconnect", connection.id)
    assert code == 0, printed
    (again,) = registry.all()
    assert (again.id, again.state) == (connection.id, State.CONNECTED)
    assert registry.tokens.of(connection.id).salt == salt


def test_ctrl_c_gives_up_and_changes_nothing(current, sandbox, registry):
    started = command(current, sandbox, "connections", "connect", "--port", str(free_port()))
    with subprocess.Popen(**started, stderr=subprocess.PIPE) as process:
        while "Waiting for Sentry's answer" not in process.stderr.readline():
            pass
        process.send_signal(signal.SIGINT)
        _, printed = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Nothing was changed." in printed
    assert registry.all() == []


def test_without_an_application_it_says_how_to_set_one_up(current):
    failed = corvana(current, "connections", "connect")
    assert failed.returncode == 1
    assert "AIRFLOW_CONN_SENTRY_OAUTH_APP=" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_schedule_is_set_and_a_wrong_one_refused(current, registry):
    connection = connected(registry, "https://sentry.io", "acme", "t")
    done = corvana(current, "connections", "schedule", connection.id, "daily")
    assert "is loaded once a day from now on" in done.stderr
    assert registry.get(connection.id).schedule == "daily"
    wrong = corvana(current, "connections", "schedule", connection.id, "weekly")
    assert wrong.returncode == 2
    assert registry.get(connection.id).schedule == "daily"


def test_disconnecting_asks_and_destroys_the_secrets(current, registry):
    connection = connected(registry, "https://sentry.io", "acme", "t")
    declined = corvana(current, "connections", "disconnect", connection.id)
    assert declined.returncode == 1
    assert "This cannot be undone" in " ".join(declined.stderr.split())
    assert registry.get(connection.id).state is State.CONNECTED
    done = corvana(current, "connections", "disconnect", connection.id, "--yes")
    assert done.returncode == 0, done.stderr
    assert "Remove the authorization in Sentry" in done.stderr
    assert registry.get(connection.id).state is State.DISCONNECTING
    assert connection.id in corvana(current, "connections", "list").stdout


def test_keys_are_rotated_and_tokens_stay_readable(current, registry):
    connection = connected(registry, "https://sentry.io", "acme", "a-token")
    before = current.key_path.read_text()
    done = corvana(current, "keys", "rotate")
    assert done.returncode == 0, done.stderr
    newest, previous = current.key_path.read_text().split(",")
    assert previous == before != newest
    assert current.key_path.stat().st_mode & 0o777 == 0o600
    current.key_path.write_text(newest)
    assert open_registry(current).tokens.of(connection.id).token == "a-token"


def test_with_keys_in_the_environment_the_newest_is_used(current, monkeypatch):
    old, new = Fernet.generate_key().decode(), corvana(current, "keys", "new").stdout.strip()
    made = open_registry(Settings(data_dir=current.data_dir, encryption_keys=old))
    connection = connected(made, "https://sentry.io", "acme", "a-token")
    started = plain_command(current, "keys", "rotate")
    started["env"] |= {"CORVANA_ENCRYPTION_KEYS": f"{new},{old}"}
    done = subprocess.run(**started, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    only = open_registry(Settings(data_dir=current.data_dir, encryption_keys=new))
    assert only.tokens.of(connection.id).token == "a-token"
    assert not current.key_path.exists()
    assert new not in done.stdout + done.stderr


def test_it_runs_from_any_folder(tmp_path, current, registry):
    shown = subprocess.run(
        [sys.executable, "-m", "include.cli", "connections", "list"],
        cwd=tmp_path,
        env={
            **os.environ,
            "CORVANA_DATA_DIR": str(current.data_dir),
            "PYTHONPATH": str(PROJECT_ROOT),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    assert "There is no connection yet" in shown.stderr


def test_receipts_are_listed_shown_and_verified(current, registry):
    assert "Nothing has been deleted yet." in corvana(current, "receipts", "list").stderr
    receipts = open_receipts(registry)
    for connection in ("c1", "c2"):
        receipts.append(Draft(kind=Kind.PURGE, connection=connection))
    listed = corvana(current, "receipts", "list").stdout
    assert re.search(r"2\s+purge\s+c2", listed)
    shown = corvana(current, "receipts", "show", "1").stdout
    assert hashlib.sha256(shown.strip().encode()).hexdigest() == receipts.get(1).hash
    assert corvana(current, "receipts", "show", "1", "--html").stdout.startswith("<!doctype html>")
    assert "There is no receipt 3" in corvana(current, "receipts", "show", "3").stderr
    assert "2 receipts, each as it was written." in corvana(current, "receipts", "verify").stderr
    with registry.database.writing() as session:
        session.get(ReceiptRow, 1).body = shown.replace("c1", "c9").strip()
    broken = corvana(current, "receipts", "verify")
    assert broken.returncode == 1
    assert "broken at number 1" in broken.stderr


def test_a_registry_that_cannot_be_used_is_one_sentence(current):
    started = plain_command(current, "connections", "list")
    address = "postgresql+psycopg://somebody:a-password@127.0.0.1:9/corvana"
    started["env"] |= {"CORVANA_REGISTRY_URL": address}
    failed = subprocess.run(**started, capture_output=True, check=False)
    assert failed.returncode == 1
    assert failed.stderr.startswith("The registry's database cannot be used now")
    assert "Traceback" not in failed.stderr
    assert "a-password" not in failed.stderr

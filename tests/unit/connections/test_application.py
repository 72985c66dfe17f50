"""The OAuth application, as Airflow holds it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from include.connections.airflow_secrets import airflow_connection
from include.connections.application import ApplicationMissing, application
from include.settings import Settings

ROOT = Path(__file__).parents[3]
VARIABLE = "AIRFLOW_CONN_SENTRY_OAUTH_APP"
COMPLETE = {
    "conn_type": "http",
    "schema": "https",
    "host": "sentry.io",
    "login": "the-id",
    "password": "the-secret",
}


@pytest.fixture
def current(tmp_path):
    return Settings(data_dir=tmp_path)


def hold(monkeypatch, **changes):
    fields = {name: value for name, value in (COMPLETE | changes).items() if value is not None}
    monkeypatch.setenv(VARIABLE, json.dumps(fields))


def test_it_is_an_airflow_connection(monkeypatch, current):
    hold(monkeypatch)
    found = application(current)
    assert (found.base_url, found.client_id, found.client_secret) == (
        "https://sentry.io",
        "the-id",
        "the-secret",
    )
    assert "the-secret" not in repr(found) + str(found)


def test_its_name_is_a_setting(monkeypatch, tmp_path):
    monkeypatch.setenv("AIRFLOW_CONN_OURS", json.dumps(COMPLETE))
    found = application(Settings(data_dir=tmp_path, oauth_app_conn_id="ours"))
    assert found.client_id == "the-id"


@pytest.mark.parametrize(
    ("fields", "base_url"),
    [
        ({"schema": None}, "https://sentry.io"),
        ({"host": "https://sentry.io/", "schema": None}, "https://sentry.io"),
        ({"host": "127.0.0.1", "schema": "http", "port": 9000}, "http://127.0.0.1:9000"),
        ({"host": "sentry.acme.example", "port": 8443}, "https://sentry.acme.example:8443"),
    ],
)
def test_people_write_addresses_in_several_ways(monkeypatch, tmp_path, fields, base_url):
    hold(monkeypatch, **fields)
    current = Settings(data_dir=tmp_path, sentry_hosts="sentry.acme.example")
    assert application(current).base_url == base_url


def test_without_one_the_sentence_says_how_to_make_it(current):
    with pytest.raises(ApplicationMissing, match=VARIABLE + ".*Admin > Connections"):
        application(current)


@pytest.mark.parametrize("missing", ["host", "login", "password"])
def test_an_incomplete_one_says_what_it_needs(monkeypatch, current, missing):
    hold(monkeypatch, **{missing: None})
    with pytest.raises(ApplicationMissing, match="is not complete"):
        application(current)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"host": "sentry.acme.example"}, "CORVANA_SENTRY_HOSTS"),
        ({"schema": "http"}, "https://<host>"),
        ({"host": "sentry.io/oauth"}, "https://<host>"),
        ({"host": "sentry.io@evil.example"}, "https://<host>"),
        ({"host": "us.sentry.io"}, "names a region"),
    ],
)
def test_secrets_are_sent_to_no_other_server(monkeypatch, current, fields, sentence):
    hold(monkeypatch, **fields)
    with pytest.raises(ApplicationMissing, match=sentence) as caught:
        application(current)
    assert "the-secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("base_url", "is_served"),
    [
        ("https://sentry.io", True),
        ("https://us.sentry.io", True),
        ("https://sentry.acme.example", False),
        ("", False),
    ],
)
def test_it_serves_the_connections_of_its_server_only(monkeypatch, current, base_url, is_served):
    hold(monkeypatch)
    if is_served:
        assert application(current, base_url).base_url == "https://sentry.io"
        return
    with pytest.raises(ApplicationMissing, match="Correct it"):
        application(current, base_url)


def test_reading_it_leaves_the_process_what_it_was(monkeypatch, current):
    monkeypatch.delenv("_AIRFLOW_PROCESS_CONTEXT", raising=False)
    assert airflow_connection("sentry_oauth_app") is None
    assert "_AIRFLOW_PROCESS_CONTEXT" not in os.environ
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "client")
    assert airflow_connection("sentry_oauth_app") is None
    assert os.environ["_AIRFLOW_PROCESS_CONTEXT"] == "client"


IN_AIRFLOWS_DATABASE = """
from airflow.utils.db import initdb
initdb()
from airflow.models import Connection, Variable
from airflow.utils.session import create_session
with create_session() as session:
    session.add(Connection(conn_id="sentry_oauth_app", conn_type="http", schema="https",
                           host="sentry.io", login="the-id", password="the-secret"))
Variable.set("corvana_keys", "a key")
from include.connections.airflow_secrets import airflow_variable
from include.connections.application import application
from include.settings import settings
found = application(settings())
print(found.client_id, found.client_secret == "the-secret", airflow_variable("corvana_keys"))
"""


def test_a_process_that_airflow_did_not_start_finds_it_in_airflows_database(tmp_path):
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path}/airflow.db",
        "CORVANA_DATA_DIR": str(tmp_path / "data"),
    }
    environment.pop("_AIRFLOW_PROCESS_CONTEXT", None)
    script = [sys.executable, "-c", IN_AIRFLOWS_DATABASE]
    done = subprocess.run(
        script, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=200
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines()[-1] == "the-id True a key"
    assert "the-secret" not in done.stdout + done.stderr

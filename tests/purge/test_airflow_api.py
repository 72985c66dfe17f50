"""Airflow's API, when it does not answer as it should: a purge goes on without it."""

import subprocess
import sys
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import SimpleNamespace

import duckdb
import pytest
import requests

from include.published.layout import VIEWS
from include.purge.airflow_api import AirflowApi, AirflowApiFailed
from include.purge.purging import purge
from include.purge.starting import start_purge

HTML = b"<html>A proxy's page, with acme-c4n4ry in it</html>"
LIST = b'["acme-c4n4ry"]'
NO_RUNS = b'{"dag_runs": ["acme-c4n4ry"]}'


@contextmanager
def answering(body, status=200):
    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815 - the library's names

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def loaded(installation, connect):
    one = connect("acme-c4n4ry")
    installation.load(one, "acme")
    installation.registry.disconnect(one.id, "admin")
    return one


def session():
    it = requests.Session()
    it.trust_env = False
    return it


@pytest.mark.parametrize("body", [HTML, LIST, NO_RUNS], ids=["HTML", "list", "no runs"])
def test_an_answer_that_is_not_airflows_is_told_without_its_body(body):
    with (
        answering(body) as url,
        pytest.raises(AirflowApiFailed, match="does not answer as expected") as failure,
    ):
        AirflowApi(session(), url).end_runs("sentry_load__x")
    assert "c4n4ry" not in str(failure.value)


@pytest.mark.parametrize("body", [HTML, LIST, NO_RUNS], ids=["HTML", "list", "no runs"])
def test_a_purge_goes_on_when_a_proxy_answers(installation, loaded, monkeypatch, body):
    with answering(body) as url:
        monkeypatch.setattr(AirflowApi, "open", lambda _settings: AirflowApi(session(), url))
        monkeypatch.setattr("include.purge.airflow_api.ENDING_S", 0)
        receipt = purge(installation.settings, installation.registry, loaded.id)
    assert receipt.verification.is_clean
    assert "c4n4ry" not in receipt.to_json()
    assert installation.everything(loaded) == {}


def test_a_purge_goes_on_whatever_happens_while_runs_are_ended(
    installation, api, loaded, monkeypatch, caplog
):
    def fail(_dag_id):
        raise RuntimeError("acme-c4n4ry in an exception")

    monkeypatch.setattr(api, "end_runs", fail)
    receipt = purge(installation.settings, installation.registry, loaded.id)
    assert receipt.verification.is_clean
    assert "through Airflow's API (RuntimeError)" in caplog.text
    assert "c4n4ry" not in caplog.text


@pytest.mark.parametrize(("status", "is_started"), [(200, True), (404, False), (500, False)])
def test_a_purge_is_started_only_where_there_is_the_dag(
    installation, monkeypatch, status, is_started
):
    with answering(b"{}", status) as url:
        monkeypatch.setattr(AirflowApi, "open", lambda _settings: AirflowApi(session(), url))
        assert start_purge(installation.settings, "c0") is is_started


def test_signing_in_where_a_proxy_answers_is_told(installation, monkeypatch):
    with answering(LIST) as url:
        stored = SimpleNamespace(host=url, schema=None, port=None, login="me", password="x")
        monkeypatch.setattr("include.purge.airflow_api.airflow_connection", lambda _name: stored)
        with pytest.raises(AirflowApiFailed, match="does not answer as expected"):
            AirflowApi.open(installation.settings)
        assert not start_purge(installation.settings, "c0")


HOLDS = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); input()"


def test_a_reader_that_holds_the_views_to_write_does_not_stop_a_purge(
    installation, connect, loaded
):
    other = connect("umbrella-c4n4ry")
    installation.load(other, "umbrella")
    views = installation.settings.published_dir / VIEWS
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(views)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(duckdb.IOException):
            duckdb.connect(str(views), read_only=True)
        receipt = purge(installation.settings, installation.registry, loaded.id)
        holder.communicate("\n")
    assert receipt.verification.is_clean
    assert {step.step: step.is_done for step in receipt.steps}["published"]
    with duckdb.connect(str(views), read_only=True) as database:
        ids = database.sql("select distinct connection_id from release_stability").fetchall()
    assert ids == [(other.id,)]

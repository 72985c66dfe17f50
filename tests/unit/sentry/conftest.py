"""A scripted server, and clients of it in time that passes only while someone sleeps."""

import threading
import time as real_time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from dlt_sources.sentry import client as client_module
from dlt_sources.sentry.client import Client
from tests.unit.sentry.scripted import TOKEN, FakeTime, ScriptedServer


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            with lock:
                scripted.under_way += 1
                scripted.most_under_way = max(scripted.most_under_way, scripted.under_way)
                scripted.paths.append(self.path)
                scripted.headers.append(dict(self.headers))
            answer = scripted.next_answer(dict(self.headers))
            try:
                if answer.raw is None:
                    real_time.sleep(answer.pause_s)
            finally:
                # Before the answer is written: the client may ask again as soon as it has it.
                with lock:
                    scripted.under_way -= 1
            self.send(answer)

        def send(self, answer):
            if answer.raw is not None:
                for part in answer.raw:
                    self.wfile.write(part)
                    real_time.sleep(answer.pause_s)
                return
            self.send_response_only(answer.status)
            for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        def handle(self):
            with suppress(BrokenPipeError, ConnectionResetError):  # the client has seen enough
                super().handle()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = True
        scripted = ScriptedServer(f"http://127.0.0.1:{http.server_port}")
        threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
        yield scripted
        http.shutdown()


@pytest.fixture
def time():
    return FakeTime()


@pytest.fixture
def connect(server, time, monkeypatch):
    """Make clients of the server, in fake time and without jitter."""
    monkeypatch.setattr(client_module, "_BACKOFF", lambda state: 2.0 ** (state.attempt_number - 1))
    monkeypatch.setattr("random.uniform", lambda _low, _high: 0.0)
    made = []

    def make(base_url=server.base_url, **options):
        defaults = {"max_requests_per_second": None, "attempts": 3}
        client = Client(base_url, "acme", TOKEN, **(defaults | options))
        client._limiter._clock, client._limiter._sleep = time.clock, time.sleep
        made.append(client)
        return client

    yield make
    for client in made:
        client.__exit__()


@pytest.fixture
def client(connect):
    return connect()

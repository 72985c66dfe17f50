"""The transport's bounds: on time, on size, and on whom it believes."""

import gzip
import threading
import time
import tracemalloc
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from dlt_sources.sentry import errors
from dlt_sources.sentry import transport as transport_module
from dlt_sources.sentry.hosts import Origin
from dlt_sources.sentry.transport import Transport
from tests.unit.sentry.authority import Authority
from tests.unit.sentry.scripted import ORGANIZATION, TOKEN, read_organization

HEADERS = b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"


def test_reads_a_compressed_answer(server, client):
    server.answer(body=gzip.compress(ORGANIZATION), Content_Encoding="gzip")
    assert read_organization(client).id == "1"
    assert server.headers[0]["Accept-Encoding"] == "gzip"


@pytest.mark.parametrize(
    ("raw", "pause_s"),
    [
        ([HEADERS, *[b" "] * 20], 0.1),
        ([b"HTTP/1.1 200 OK\r\nX: ", *[b"x"] * 20], 0.1),
        ([HEADERS, b" ", b""], 0.4),
        ([b""], 2),
    ],
    ids=["body drips", "headers drip", "drip, then silence", "silence"],
)
def test_a_slow_answer_ends_at_the_deadline(server, connect, raw, pause_s):
    client = connect(attempts=1, timeout_s=0.5)
    server.answer(raw=raw, pause_s=pause_s)
    started = time.monotonic()
    with pytest.raises(errors.Unreachable, match="ReadTimeout"):
        read_organization(client)
    assert time.monotonic() - started < 0.8


def test_a_connection_that_timed_out_is_not_used_again(server, connect):
    client = connect(attempts=2, timeout_s=0.3)
    server.answer(raw=[HEADERS, *[b" "] * 20], pause_s=0.1)
    server.answer(body=ORGANIZATION)
    assert read_organization(client).id == "1"


@pytest.mark.parametrize("is_zipped", [False, True])
def test_an_answer_larger_than_allowed_is_refused(server, connect, is_zipped):
    client = connect(max_bytes=2 * len(ORGANIZATION))
    body = b" " * 3 * len(ORGANIZATION)
    if is_zipped:
        server.answer(body=gzip.compress(body), Content_Encoding="gzip")
    else:
        server.answer(body=body)
    with pytest.raises(errors.UnexpectedResponse, match="more than"):
        read_organization(client)
    assert len(server.paths) == 1


def test_an_answer_of_exactly_the_allowed_size_is_read(server, connect):
    client = connect(max_bytes=len(ORGANIZATION))
    server.answer(body=gzip.compress(ORGANIZATION), Content_Encoding="gzip")
    assert read_organization(client).id == "1"


def test_a_gzip_bomb_costs_no_memory(server, connect):
    bomb = gzip.compress(b" " * 200_000_000)
    client = connect(max_bytes=1_000_000)
    server.answer(body=bomb, Content_Encoding="gzip")
    tracemalloc.start()
    with pytest.raises(errors.UnexpectedResponse):
        read_organization(client)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(gzip.compress(b"{}")), "gzip, gzip"),
        (b"{}", "br"),
        (gzip.compress(ORGANIZATION)[:-4], "gzip"),
        (b"c4n4ry", "gzip"),
    ],
    ids=["twice", "not asked for", "cut off", "no gzip"],
)
def test_a_body_that_cannot_be_decompressed_is_tried_again(server, client, body, encoding):
    server.answer(body=body, Content_Encoding=encoding)
    server.answer(body=ORGANIZATION)
    assert read_organization(client).id == "1"
    assert client.requests == 2


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def tls_server(authority):
    """A server on https, and who asked it for something with which token."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.headers["Authorization"])
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{")
            if self.path == "/slow":
                time.sleep(2)
            self.wfile.write(b"}")

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        http.handle_error = lambda *_: None
        http.socket = authority.vouched_for("localhost").wrap_socket(http.socket, server_side=True)
        threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
        yield http.server_port, asked
        http.shutdown()


@pytest.fixture
def trust(monkeypatch):
    """Return a transport that reads the authorities to trust from where the environment says."""

    def make(**variables):
        for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
            monkeypatch.delenv(name, raising=False)
        for name, path in variables.items():
            monkeypatch.setenv(name, str(path))
        transport_module._ssl_context.cache_clear()
        return Transport(timeout_s=0.5, max_bytes=1000)

    yield make
    transport_module._ssl_context.cache_clear()


def test_a_server_that_cannot_prove_who_it_is_gets_no_token(tls_server, trust):
    port, asked = tls_server
    with pytest.raises(errors.Unreachable, match="SSLCertVerificationError"):
        trust().get(Origin("https", "localhost", port), "/", TOKEN)
    assert asked == []


def test_a_server_that_a_private_authority_vouches_for_gets_it(tls_server, authority, trust):
    port, asked = tls_server
    transport = trust(SSL_CERT_FILE=authority.file)
    assert transport.get(Origin("https", "localhost", port), "/", TOKEN).content == b"{}"
    assert asked == [f"Bearer {TOKEN}"]


def test_private_authorities_may_be_in_a_folder(tls_server, authority, trust):
    port, _ = tls_server
    transport = trust(SSL_CERT_DIR=authority.folder)
    assert transport.get(Origin("https", "localhost", port), "/", TOKEN).content == b"{}"


def test_the_authorities_that_browsers_know_are_trusted_otherwise(trust):
    trust()
    known = {one["serialNumber"] for one in transport_module._ssl_context().get_ca_certs()}
    assert len(known) > 100


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_authorities_that_cannot_be_read_are_named_as_the_cause(trust, tmp_path, content):
    path = tmp_path / "authorities.pem"
    if content is not None:
        path.write_text(content)
    transport = trust(SSL_CERT_FILE=path)
    with pytest.raises(errors.UnreadableAuthorities, match="SSL_CERT_FILE"):
        transport.get(Origin("https", "localhost", 1), "/", TOKEN)


def test_a_certificate_of_another_name_proves_nothing(tls_server, authority, trust):
    port, asked = tls_server
    transport = trust(SSL_CERT_FILE=authority.file)
    with pytest.raises(errors.Unreachable, match="SSLCertVerificationError"):
        transport.get(Origin("https", "127.0.0.1", port), "/", TOKEN)
    assert asked == []


def test_a_slow_answer_ends_at_the_deadline_over_tls_too(tls_server, authority, trust):
    port, _ = tls_server
    transport = trust(SSL_CERT_FILE=authority.file)
    transport._timeouts["read"] = 5.0  # the library's own, for one step
    with pytest.raises(errors.Unreachable, match="ReadTimeout"):
        transport.get(Origin("https", "localhost", port), "/slow", TOKEN)


def test_a_connection_that_the_server_closed_is_replaced(tls_server, authority, trust):
    """As servers do that have waited long enough; this one does after each answer."""
    port, asked = tls_server
    transport = trust(SSL_CERT_FILE=authority.file)
    for _ in range(3):
        transport.get(Origin("https", "localhost", port), "/", TOKEN)
        time.sleep(0.05)
    assert len(asked) == 3
    assert len(transport._connections) == 1

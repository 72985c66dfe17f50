"""The way to the token endpoint: TLS, and what its answers mean."""

import json
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from include.connections import errors
from include.connections.application import Application
from include.connections.oauth import OAuth, new_verifier
from include.connections.token_endpoint import MAX_BYTES

SECRET = "the-clients-secret"
GOOD = {"access_token": "a" * 64, "token_type": "Bearer", "expires_in": 60, "scope": "org:read"}


class Server(HTTPServer):
    """Answers every POST with what it is told to, and remembers what was sent."""

    def __init__(self, context=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer = (200, json.dumps(GOOD).encode())
        self.bodies, self.headers = [], []
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def handle_error(self, *_):
        pass


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.bodies.append((self.path, body))
        self.server.headers.append(dict(self.headers))
        status, content = self.server.answer
        self.send_response_only(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with Server() as up:
        yield up
        up.shutdown()


def oauth(server, scheme="http", host="127.0.0.1"):
    return OAuth(Application(f"{scheme}://{host}:{server.server_port}", "the-id", SECRET))


def test_a_renewal_sends_the_secret_once_and_no_scope(server):
    oauth(server).renew("old/+ token")
    ((path, body),) = server.bodies
    assert path == "/oauth/token/"
    assert sorted(body.split("&")) == [
        "client_id=the-id",
        f"client_secret={SECRET}",
        "grant_type=refresh_token",
        "refresh_token=old%2F%2B+token",
    ]
    (headers,) = server.headers
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert headers["Accept-Encoding"] == "identity"
    assert not {"Authorization", "Cookie"} & headers.keys()


def test_an_answer_without_a_new_refresh_token_keeps_the_old_one(server):
    assert oauth(server).renew("old").refresh_token == "old"
    server.answer = (200, json.dumps(GOOD | {"refresh_token": "new"}).encode())
    assert oauth(server).renew("old").refresh_token == "new"


def test_tokens_that_do_not_expire_say_so(server):
    server.answer = (200, json.dumps(GOOD | {"expires_in": None}).encode())
    assert oauth(server).renew("old").expires_at is None


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"error": "invalid_grant"}, errors.InvalidGrant),
        (400, {"error": "invalid_request"}, errors.OAuthRefused),
        (400, {"error": "unsupported_grant_type"}, errors.OAuthRefused),
        (401, {"error": "invalid_client"}, errors.ClientRejected),
        (401, {"error": "invalid_credentials"}, errors.ClientRejected),
        (401, {"detail": "c4n4ry"}, errors.OAuthRefused),
        (403, {"error": "c4n4ry"}, errors.OAuthRefused),
        (404, {"detail": "c4n4ry"}, errors.OAuthRefused),
        (301, {}, errors.OAuthRefused),
    ],
)
def test_refusals_are_told_apart_and_not_quoted(server, status, body, kind):
    server.answer = (status, json.dumps(body).encode())
    with pytest.raises(errors.OAuthError) as caught:
        oauth(server).renew("old-refresh-token")
    assert type(caught.value) is kind
    assert caught.value.__context__ is None
    for hidden in ("c4n4ry", SECRET, "old-refresh-token"):
        assert hidden not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "content", "may_have_happened"),
    [
        (200, b"<html>c4n4ry</html>", True),
        (200, b"", True),
        (200, b'{"access_token": "a"', True),
        (200, b'{"access_token": "", "token_type": "Bearer"}', True),
        (200, b'{"access_token": "a b", "token_type": "Bearer"}', True),
        (200, b'{"access_token": "a\\nb", "token_type": "Bearer"}', True),
        (200, b'{"access_token": "a", "token_type": "mac"}', True),
        (200, b'{"access_token": ["a"], "token_type": "Bearer"}', True),
        (200, b"[" * 60_000, True),
        (200, b" " * (MAX_BYTES + 1), True),
        (500, b"c4n4ry", True),
        (503, b"c4n4ry", True),
        (429, b"c4n4ry", False),
    ],
)
def test_answers_that_are_none(server, status, content, may_have_happened):
    server.answer = (status, content)
    with pytest.raises(errors.OAuthUnreachable) as caught:
        oauth(server).renew("old")
    assert caught.value.may_have_happened is may_have_happened
    assert "c4n4ry" not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.fixture
def tls_server(tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    make = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost "
        "-addext subjectAltName=DNS:localhost"
    )
    made = [*make.split(), "-keyout", key, "-out", certificate]
    subprocess.run(made, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with Server(context) as up:
        up.certificate = certificate
        yield up
        up.shutdown()


def test_a_server_that_cannot_prove_who_it_is_is_asked_nothing(tls_server):
    with pytest.raises(errors.OAuthUnreachable, match="cannot be reached") as caught:
        oauth(tls_server, "https", "localhost").renew("old")
    assert not caught.value.may_have_happened
    assert tls_server.bodies == []


def test_an_authority_can_be_named_by_the_environment(tls_server, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(tls_server.certificate))
    assert oauth(tls_server, "https", "localhost").renew("old").access_token == "a" * 64
    with pytest.raises(errors.OAuthUnreachable):  # its certificate is for another name
        oauth(tls_server, "https", "127.0.0.1").renew("old")
    assert len(tls_server.bodies) == 1


@pytest.mark.parametrize("base_url", ["http://sentry.io", "ftp://sentry.io", "sentry.io", ""])
def test_a_secret_goes_nowhere_without_tls(base_url):
    with pytest.raises(ValueError, match="over TLS only"):
        OAuth(Application(base_url, "the-id", SECRET))


def test_the_address_of_a_consent_is_the_servers_and_holds_no_secret():
    verifier = new_verifier()
    url = OAuth(Application("https://sentry.io", "the-id", SECRET)).consent_url(
        "https://airflow.example/callback", "the-state", verifier
    )
    assert url.startswith("https://sentry.io/oauth/authorize/?response_type=code&client_id=the-id&")
    assert "&state=the-state&" in url
    assert verifier not in url
    assert SECRET not in url
    assert len(verifier) == 96
    assert new_verifier() != verifier

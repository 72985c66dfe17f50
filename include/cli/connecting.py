"""`corvana connections connect` and `reconnect`: a consent in the browser of this machine."""

from argparse import Namespace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

from include.cli.console import to_people
from include.cli.failures import Declined, PortTaken
from include.cli.meant import WrongConnection, meant
from include.connections.authorizing import Authorizing, Choice
from include.connections.registry import Connection, Registry, open_registry
from include.connections.states import State
from include.settings import settings

ACTOR = "cli"
"""What the terminal is called in the changes of a connection's state."""

ANSWERED = b"""<!doctype html><meta charset="utf-8"><title>corvana</title>
<p>Sentry's answer has arrived. Go back to the terminal; this page can be closed."""


def connect(options: Namespace) -> None:
    """Connect an organization."""
    registry = open_registry(settings())
    connection = _consented(registry, options.port, None)
    if connection.state is State.CONNECTING:
        connection = _chosen(registry, connection, options.organization)
    to_people(
        f"Connected {connection.organization_slug} as {connection.id}. Its DAG appears in Airflow "
        f"within a minute and starts by itself; without Airflow: corvana load {connection.id}"
    )


def reconnect(options: Namespace) -> None:
    """Give a connection new tokens."""
    registry = open_registry(settings())
    try:
        wanted = meant(options.connection, registry.live(), settings().data_dir)
    except WrongConnection as wrong:
        options.usage_error(str(wrong))
        raise
    connection = _consented(registry, options.port, wanted.id)
    to_people(f"Connected {connection.organization_slug} again, as {connection.id}.")


def _consented(registry: Registry, port: int, connection_id: str | None) -> Connection:
    """Let the user consent in Sentry, and return what became of the connection."""
    authorizing = Authorizing(settings(), registry)
    with _Callback(port) as server:
        begun = authorizing.begin(ACTOR, f"http://127.0.0.1:{port}/callback", connection_id)
        to_people(f"Open this page, and allow access to the organization:\n\n  {begun.url}\n")
        to_people("Waiting for Sentry's answer; Ctrl-C gives up.")
        answer = server.wait()
    completed = authorizing.complete(
        ACTOR,
        state=answer.get("state", ""),
        nonce=begun.nonce,
        code=answer.get("code"),
        error=answer.get("error"),
    )
    return completed.connection


def _chosen(registry: Registry, connection: Connection, slug: str | None) -> Connection:
    """Let the user choose one of several organizations; forget the consent if they do not."""
    authorizing = Authorizing(settings(), registry)
    choices = authorizing.organizations(connection.id, ACTOR)
    choice = next((one for one in choices if one.slug == slug), None) or _asked(choices)
    if choice is None:
        registry.abandon(connection.id, ACTOR, "no organization was chosen")
        raise Declined("No organization was chosen: nothing was connected.")
    return authorizing.choose(connection.id, choice.id, ACTOR)


def _asked(choices: list[Choice]) -> Choice | None:
    to_people("Sentry gives access to these organizations:")
    for number, choice in enumerate(choices, start=1):
        to_people(f"  {number}  {choice.slug}")
    try:
        given = input("Which one is to be connected? ").strip()
    except EOFError:
        return None
    by_name = {str(number): one for number, one in enumerate(choices, start=1)}
    return (by_name | {one.slug: one for one in choices}).get(given)


class _Callback(HTTPServer):
    """Waits on this machine for the browser that Sentry sends back.

    Attributes:
        brought: What it brought: `state`, and `code` or `error`.
    """

    def __init__(self, port: int) -> None:
        self.brought: dict[str, str] = {}
        try:
            super().__init__(("127.0.0.1", port), _Answer)
        except OSError:
            raise PortTaken(
                f"Port {port} is taken. Choose another one with --port; its address has to be a "
                "redirect URI of the OAuth application."
            ) from None

    def wait(self) -> dict[str, str]:
        """Return what the browser brings, when it does."""
        while not self.brought:
            self.handle_request()
        return self.brought


class _Answer(BaseHTTPRequestHandler):
    server: _Callback
    # Browsers open connections in advance, on which nothing may ever come.
    timeout = 2

    def do_GET(self) -> None:
        """Take the answer, if it is one."""
        address = urlsplit(self.path)
        is_answer = address.path == "/callback"
        if is_answer:
            given = parse_qs(address.query)
            self.server.brought = {name: values[0] for name, values in given.items()}
        self.send_response(HTTPStatus.OK if is_answer else HTTPStatus.NOT_FOUND)
        self.send_header("Content-Type", "text/html")
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        self.wfile.write(ANSWERED if is_answer else b"")

    def log_message(self, *_: object) -> None:
        """Log nothing: the address holds a code."""

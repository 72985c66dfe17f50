"""Who is notified: a mail server and a webhook, over real sockets."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_string
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread


class MailServer(ThreadingTCPServer):
    """Takes every mail."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.mails: list[Message] = []
        self.is_refusing = False

    @property
    def connection(self) -> str:
        """The Airflow Connection to it."""
        return json.dumps(
            {
                "conn_type": "smtp",
                "host": "127.0.0.1",
                "port": self.server_address[1],
                "extra": {
                    "from_email": "corvana@example.com",
                    "disable_ssl": True,
                    "disable_tls": True,
                    "retry_limit": 1,
                },
            }
        )


class _Session(StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self._say("220 here")
        while line := self.rfile.readline().decode().strip():
            verb = line[:4].upper()
            if verb == "QUIT":
                self._say("221 bye")
                return
            if verb == "MAIL" and self.server.is_refusing:
                self._say("550 no")
            elif verb == "DATA":
                self._say("354 go on")
                self.server.mails.append(message_from_string(self._body()))
                self._say("250 taken")
            else:
                self._say("250 ok")

    def _body(self) -> str:
        lines = []
        while (line := self.rfile.readline().decode()) != ".\r\n":
            lines.append(line.removeprefix("."))
        return "".join(lines)

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


class Webhook(ThreadingHTTPServer):
    """Takes what is posted."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Posted)
        self.posted: list[tuple[str, dict[str, str]]] = []
        self.status = 200

    def connection(self, path: str) -> str:
        """The Airflow Connection to it."""
        host = f"http://127.0.0.1:{self.server_port}/{path}"
        return json.dumps({"conn_type": "http", "host": host})


class _Posted(BaseHTTPRequestHandler):
    server: Webhook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posted.append((self.path, json.loads(body)))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(server: ThreadingTCPServer | ThreadingHTTPServer) -> Iterator[None]:
    """Let a server answer."""
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)

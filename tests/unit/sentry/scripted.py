"""A server that answers exactly what a test scripts, and what the tests say to a client."""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from dlt_sources.sentry import endpoints
from dlt_sources.sentry.allowlist import Organization

ORGANIZATION = b'{"id": "1", "slug": "acme", "dateCreated": "2024-01-01T00:00:00Z"}'
TOKEN = "sntrys_secret_token"
LEAK = "c4n4ry"
NOW = 1793610000
DATE = "Mon, 02 Nov 2026 09:00:00 GMT"


@dataclass
class Scripted:
    """An answer; or, if `raw` is given, its bytes, sent one after another, then the end."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    raw: list[bytes] | None = None
    pause_s: float = 0.0


@dataclass
class ScriptedServer:
    base_url: str
    answers: list[Scripted] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    respond: Callable[[dict[str, str]], Scripted] | None = None
    under_way: int = 0
    most_under_way: int = 0

    def answer(self, status=200, body=b"{}", *, raw=None, pause_s=0.0, **headers):
        """Queue an answer; the last one is repeated."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.append(Scripted(status, body, named, raw, pause_s))

    @property
    def tokens(self) -> list[str]:
        return [headers["Authorization"].removeprefix("Bearer ") for headers in self.headers]

    def next_answer(self, headers: dict[str, str]) -> Scripted:
        if self.respond:
            return self.respond(headers)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class FakeTime:
    """Time that passes only while someone sleeps."""

    def __init__(self):
        self.now = 100.0
        self.sleeps = []
        self._lock = Lock()

    def clock(self):
        return self.now

    def sleep(self, seconds):
        with self._lock:
            self.sleeps.append(round(seconds, 6))
            self.now += seconds


def read_organization(client):
    return client.get(endpoints.ORGANIZATION, Organization, {"detailed": 0})


def whole_chain(error) -> str:
    """Everything that any rendering of an exception could show."""
    shown = []
    while error is not None:
        shown += [repr(error), str(error), repr(error.args), repr(vars(error))]
        error = error.__cause__ or error.__context__
    return "\n".join(shown)

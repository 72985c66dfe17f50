"""The bench server: a stand-in Sentry as fast as Python allows, for measuring loads.

A process of its own, without a web framework: requests are split at their first line, answers are
prebuilt bytes filled in. `python -m tests.bench.server --issues 20000` prints its address.

Switches: `GET /bench/reset?latency_ms=` (empties the log), `/bench/log` (the targets asked for
since), `/bench/change?resolved=&assigned=&deleted=` and `/bench/advance?seconds=&active=`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from email.utils import formatdate
from urllib.parse import parse_qsl

from tests.bench.answers import Answer, Answers
from tests.bench.organization import Kind, Organization, Size

HOST = "127.0.0.1"
CONTROL = "/bench/"
_RESPONSE = (
    b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nDate: %b\r\n%bContent-Length: %d\r\n\r\n%b"
)


class Bench:
    """What the connections share.

    Args:
        answers: Answers the API.
    """

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._log: list[str] = []
        self.latency_s = 0.0
        self._date = b""
        self._set_date()

    def respond(self, target: str) -> tuple[bytes, float]:
        """Return a whole response, and the seconds after which it is to be sent."""
        if target.startswith(CONTROL):
            return self._written(self._control(target[len(CONTROL) :])), 0.0
        self._log.append(target)
        return self._written(self._answers.answer(target)), self.latency_s

    def _control(self, target: str) -> Answer:
        name, _, query = target.partition("?")
        asked = {key: int(value) for key, value in parse_qsl(query)}
        return Answer(json.dumps(getattr(self, f"_do_{name}")(**asked)).encode())

    def _do_reset(self, latency_ms: int = 0) -> None:
        self._log.clear()
        self.latency_s = latency_ms / 1000

    def _do_log(self) -> list[str]:
        return self._log

    def _do_change(self, **numbers: int) -> dict[str, list[int]]:
        self._answers.forget()
        kinds = {Kind[name.upper()]: number for name, number in numbers.items()}
        changed = self._answers.org.change(kinds)
        return {kind.name.lower(): ids for kind, ids in changed.items()}

    def _do_advance(self, seconds: int, active: int = 0) -> None:
        self._answers.forget()
        self._answers.org.advance(seconds, active)
        self._set_date()

    def _set_date(self) -> None:
        self._date = formatdate(self._answers.org.now, usegmt=True).encode()

    def _written(self, answer: Answer) -> bytes:
        return _RESPONSE % (
            answer.status,
            self._date,
            answer.headers,
            len(answer.body),
            answer.body,
        )


class Connection(asyncio.Protocol):
    """One connection, kept alive; requests have no bodies and come one by one."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            first = self._received[: self._received.index(b"\r\n")].decode()
            self._received = self._received[end + 4 :]
            response, delay_s = self._bench.respond(first.split(" ")[1])
            if delay_s:
                asyncio.get_running_loop().call_later(delay_s, self._transport.write, response)
            else:
                self._transport.write(response)


async def serve(size: Size) -> None:
    """Serve an organization until the process is ended."""
    organization = Organization(size)
    benches: list[Bench] = []
    server = await asyncio.get_running_loop().create_server(lambda: Connection(benches[0]), HOST, 0)
    base_url = f"http://{HOST}:{server.sockets[0].getsockname()[1]}"
    benches.append(Bench(Answers(organization, base_url)))
    sys.stdout.write(f"{base_url}\n")
    sys.stdout.flush()
    await server.serve_forever()


def main() -> None:
    """Run the server."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--issues", type=int, default=2_000)
    parser.add_argument("--touched", type=float, default=0.0)
    parser.add_argument("--bursts", type=float, default=2.0)
    parser.add_argument("--releases", type=int, default=200)
    args = parser.parse_args()
    size = Size(args.issues, args.touched, args.bursts, releases=args.releases)
    try:
        import uvloop as loop  # noqa: PLC0415 - as fast as Python allows, where it is installed
    except ImportError:
        loop = asyncio
    loop.run(serve(size))


if __name__ == "__main__":
    main()

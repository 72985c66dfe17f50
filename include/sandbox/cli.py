"""Reads the command line, keeps the clock's position in a file, runs the server."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from include.sandbox.behaviours import (
    BehaviourError,
    Behaviours,
    Switchboard,
    changed,
    from_json,
)
from include.sandbox.clock import Clock, ClockError
from include.sandbox.generate import DEFAULT_NOW, generate
from include.sandbox.server import DEFAULT_SCOPES, create_app, listen, uvicorn_server
from include.sandbox.tokens import (
    DEFAULT_CLIENT_ID,
    DEFAULT_CLIENT_SECRET,
    DEFAULT_REFRESH_TOKEN,
    DEFAULT_TOKEN,
    Pair,
    Tokens,
)

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

LOOPBACK = ("127.0.0.1", "::1", "localhost")
TOKEN_VARIABLE = "SANDBOX_TOKEN"  # noqa: S105  # the name of a variable, not a token
REFRESH_TOKEN_VARIABLE = "SANDBOX_REFRESH_TOKEN"  # noqa: S105
CLIENT_ID_VARIABLE = "SANDBOX_CLIENT_ID"
CLIENT_SECRET_VARIABLE = "SANDBOX_CLIENT_SECRET"  # noqa: S105
USAGE_ERROR = 2


class StartError(Exception):
    """The sandbox cannot start; the message is one sentence that says why."""


class Saved(msgspec.Struct, frozen=True):
    """The state file: which organization, and where its clock stands."""

    seed: int
    now: str
    issues: int
    clock: str


@dataclass(frozen=True, slots=True)
class StateFile:
    """A state file and the organization it must be about."""

    path: Path
    seed: int
    now: datetime
    issues: int

    def read(self) -> datetime | None:
        """Return where the clock stood, None without a file.

        Raises:
            StartError: The file is unreadable, or about another organization.
        """
        if not self.path.exists():
            return None
        try:
            saved = msgspec.json.decode(self.path.read_bytes(), type=Saved)
            position = datetime.fromisoformat(saved.clock)
        except (msgspec.DecodeError, ValueError, OSError) as error:
            raise StartError(f"The state file {self.path} cannot be read: {error}.") from error
        mine = (self.seed, self.now.isoformat(), self.issues)
        theirs = (saved.seed, saved.now, saved.issues)
        if theirs != mine:
            raise StartError(
                f"The state file {self.path} belongs to another organization "
                f"(seed, now, issues: {theirs} there, {mine} asked for); "
                "delete it or start with its values."
            )
        return position

    def write(self, position: datetime) -> None:
        """Replace the file, so that a crash leaves the old or the new one.

        Raises:
            StartError: It cannot be written.
        """
        saved = Saved(self.seed, self.now.isoformat(), self.issues, position.isoformat())
        draft = self.path.with_name(self.path.name + ".new")
        try:
            draft.write_bytes(msgspec.json.encode(saved))
            draft.replace(self.path)
        except OSError as error:
            raise StartError(f"The state file {self.path} cannot be written: {error}.") from error


def main(arguments: Sequence[str]) -> int:
    """Run the sandbox until it is interrupted; return the exit code, 2 where it cannot start."""
    options = _parser().parse_args(arguments)
    try:
        bound = _bind(options.host, options.port)
    except StartError as error:
        sys.stderr.write(f"{error}\n")
        return USAGE_ERROR
    try:
        return _serve(options, bound)
    except StartError as error:
        sys.stderr.write(f"{error}\n")
        return USAGE_ERROR
    finally:
        bound.close()


def _serve(options: argparse.Namespace, bound: socket.socket) -> int:
    switchboard = Switchboard(_behaviours(options.behaviours))
    file = None
    if options.state_file is not None:
        file = StateFile(options.state_file, options.seed, options.now, options.issues)
    position = None if file is None else file.read()
    try:
        organization = generate(options.seed, options.now, options.issues)
    except ValueError as error:
        raise StartError(f"There is no such organization: {error}.") from error
    clock = Clock(
        organization.now, organization.horizon, on_advance=None if file is None else file.write
    )
    if position is not None:
        _move(clock, position)
    if file is not None:
        file.write(clock.now)
    app = create_app(organization, clock, behaviours=switchboard, tokens=_tokens(clock))
    server = uvicorn_server(app)
    host, port = bound.getsockname()[:2]
    sys.stderr.write(f"Sandbox {organization.slug} at http://{host}:{port}, clock {clock.now}.\n")
    with suppress(KeyboardInterrupt):
        server.run([bound])
    return 0


def _behaviours(text: str | None) -> Behaviours:
    """Read the behaviours to start with: inline JSON, or the name of a file with JSON."""
    if text is None:
        return Behaviours()
    try:
        content = text if text.lstrip().startswith("{") else Path(text).read_text("utf-8")
        return changed(Behaviours(), from_json(content))
    except OSError as error:
        raise StartError(f"The behaviours cannot be read: {error}.") from error
    except BehaviourError as error:
        raise StartError(f"There are no such behaviours: {error}") from error


def _tokens(clock: Clock) -> Tokens:
    def given(variable: str, default: str) -> str:
        return os.environ.get(variable) or default

    first = Pair(
        given(TOKEN_VARIABLE, DEFAULT_TOKEN),
        given(REFRESH_TOKEN_VARIABLE, DEFAULT_REFRESH_TOKEN),
        DEFAULT_SCOPES,
    )
    client_id = given(CLIENT_ID_VARIABLE, DEFAULT_CLIENT_ID)
    return Tokens(clock, first, client_id, given(CLIENT_SECRET_VARIABLE, DEFAULT_CLIENT_SECRET))


def _move(clock: Clock, position: datetime) -> None:
    try:
        clock.advance((position - clock.now).total_seconds())
    except ClockError as error:
        raise StartError(f"The state file's clock is out of range: {error}") from error


def _bind(host: str, port: int) -> socket.socket:
    if host not in LOOPBACK:
        raise StartError(f"The sandbox listens on this machine only; {host} is no loopback host.")
    try:
        return listen("127.0.0.1" if host == "localhost" else host, port)
    except (OSError, OverflowError) as error:
        raise StartError(
            f"Port {port} on {host} is not free ({error}); choose another one with --port."
        ) from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m include.sandbox",
        description="A stand-in Sentry with invented data, on this machine only. "
        f"The bearer token is read from {TOKEN_VARIABLE} (default: {DEFAULT_TOKEN}), what "
        f"refreshes it from {REFRESH_TOKEN_VARIABLE}, {CLIENT_ID_VARIABLE} and "
        f"{CLIENT_SECRET_VARIABLE}.",
    )
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--seed", type=_natural, default=42, help="which organization to invent")
    parser.add_argument("--now", type=_time, default=DEFAULT_NOW, help="where the clock starts")
    parser.add_argument("--issues", type=_natural, default=6000, help="issues until now, from 30")
    parser.add_argument(
        "--behaviours", help="switches as JSON, or a file with them (include.sandbox.behaviours)"
    )
    parser.add_argument("--state-file", type=Path, help="keeps the clock over restarts")
    return parser


def _natural(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("must be 0 or more")
    return number


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no ISO 8601 time") from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)

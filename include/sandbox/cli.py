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

from include.sandbox.application import (
    DEFAULT_CLIENT_ID,
    DEFAULT_CLIENT_SECRET,
    DEFAULT_NAME,
    DEFAULT_REDIRECT_URIS,
    Application,
)
from include.sandbox.behaviours import (
    BehaviourError,
    Behaviours,
    Switchboard,
    changed,
    from_json,
)
from include.sandbox.clock import Clock, ClockError
from include.sandbox.generate import DEFAULT_NOW, generate
from include.sandbox.patterns import PATTERNS
from include.sandbox.scopes import DEFAULT_SCOPES
from include.sandbox.server import create_app, listen, uvicorn_server
from include.sandbox.tokens import DEFAULT_REFRESH_TOKEN, DEFAULT_TOKEN, Pair, Tokens

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
    """The state file: which organization, where its clock stands, and which tokens are good."""

    seed: int
    now: str
    issues: int
    clock: str
    tokens: tuple[Pair, ...] = ()
    patterns: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class StateFile:
    """A state file and the organization it must be about."""

    path: Path
    seed: int
    now: datetime
    issues: int
    patterns: tuple[str, ...] | None = None

    def read(self) -> Saved | None:
        """Return what was saved, None without a file.

        Raises:
            StartError: The file is unreadable, or about another organization.
        """
        if not self.path.exists():
            return None
        try:
            saved = msgspec.json.decode(self.path.read_bytes(), type=Saved)
            datetime.fromisoformat(saved.clock)
        except (msgspec.DecodeError, ValueError, OSError) as error:
            raise StartError(f"The state file {self.path} cannot be read: {error}.") from error
        mine = (self.seed, self.now.isoformat(), self.issues, self.patterns)
        theirs = (saved.seed, saved.now, saved.issues, saved.patterns)
        if theirs != mine:
            raise StartError(
                f"The state file {self.path} belongs to another organization "
                f"(seed, now, issues, patterns: {theirs} there, {mine} asked for); "
                "delete it or start with its values."
            )
        return saved

    def write(self, position: datetime, tokens: Sequence[Pair]) -> None:
        """Replace the file, so that a crash leaves the old or the new one.

        Raises:
            StartError: It cannot be written.
        """
        place = (self.seed, self.now.isoformat(), self.issues, position.isoformat())
        saved = Saved(*place, tokens=tuple(tokens), patterns=self.patterns)
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
    patterns = None if options.patterns is None else tuple(sorted(options.patterns))
    if options.state_file is not None:
        file = StateFile(options.state_file, options.seed, options.now, options.issues, patterns)
    saved = None if file is None else file.read()
    try:
        organization = generate(options.seed, options.now, options.issues, patterns=patterns)
    except ValueError as error:
        raise StartError(f"There is no such organization: {error}.") from error

    def save() -> None:
        if file is not None:
            file.write(clock.now, tokens.pairs)

    clock = Clock(organization.now, organization.horizon, on_advance=lambda _: save())
    tokens = _tokens(clock, options)
    if saved is not None:
        tokens.restore(saved.tokens)
        _move(clock, datetime.fromisoformat(saved.clock))
    tokens.on_change = save
    save()
    app = create_app(organization, clock, behaviours=switchboard, tokens=tokens)
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


def _tokens(clock: Clock, options: argparse.Namespace) -> Tokens:
    def given(variable: str, default: str) -> str:
        return os.environ.get(variable) or default

    first = Pair(
        given(TOKEN_VARIABLE, DEFAULT_TOKEN),
        given(REFRESH_TOKEN_VARIABLE, DEFAULT_REFRESH_TOKEN),
        DEFAULT_SCOPES,
    )
    application = Application(
        given(CLIENT_ID_VARIABLE, DEFAULT_CLIENT_ID),
        given(CLIENT_SECRET_VARIABLE, DEFAULT_CLIENT_SECRET),
        options.application_name,
        tuple(options.redirect_uri or DEFAULT_REDIRECT_URIS),
    )
    return Tokens(clock, first, application)


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
        f"refreshes it from {REFRESH_TOKEN_VARIABLE}, the OAuth application from "
        f"{CLIENT_ID_VARIABLE} and {CLIENT_SECRET_VARIABLE} "
        f"(default: {DEFAULT_CLIENT_ID}, {DEFAULT_CLIENT_SECRET}).",
    )
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--seed", type=_natural, default=42, help="which organization to invent")
    parser.add_argument("--now", type=_time, default=DEFAULT_NOW, help="where the clock starts")
    parser.add_argument("--issues", type=_natural, default=6000, help="issues until now, from 30")
    parser.add_argument(
        "--patterns",
        nargs="*",
        choices=sorted(PATTERNS),
        metavar="NAME",
        help="process problems to plant in an organization that is healthy otherwise; none for a "
        f"healthy one: {', '.join(sorted(PATTERNS))}",
    )
    parser.add_argument(
        "--behaviours", help="switches as JSON, or a file with them (include.sandbox.behaviours)"
    )
    parser.add_argument(
        "--redirect-uri",
        action="append",
        type=_address,
        help="an address the OAuth application may send users back to, in place of the usual ones "
        f"({', '.join(DEFAULT_REDIRECT_URIS)}); may be repeated",
    )
    parser.add_argument(
        "--application-name", default=DEFAULT_NAME, help="what the consent page calls it"
    )
    parser.add_argument("--state-file", type=Path, help="keeps clock and tokens over restarts")
    return parser


def _natural(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("must be 0 or more")
    return number


def _address(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(f"{text!r} is no http or https address")
    return text


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no ISO 8601 time") from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)

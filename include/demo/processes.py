"""The servers that the demo starts, and stops again."""

import errno
import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

STOP_WITHIN_S = 20


class PortTaken(Exception):
    """Another program listens where the demo wants to."""


class ServerDied(Exception):
    """A server ended that should be running."""


def require_free_port(port: int, option: str) -> None:
    """Check that a port of this machine can be listened on.

    Args:
        port: The port on 127.0.0.1.
        option: The demo's option that chooses another one.

    Raises:
        PortTaken: Something listens there.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            problem = "taken" if error.errno == errno.EADDRINUSE else f"no good ({error.strerror})"
            raise PortTaken(
                f"Port {port} is {problem}. Stop what listens there (perhaps another demo), or "
                f'choose another one: make demo ARGS="{option} {port + 1}"'
            ) from None


class Servers:
    """Starts servers, each with a log file, and stops them all when the block is left."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        self._logs.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with _uninterrupted():
            for process in self._running.values():
                process.terminate()
            for process in self._running.values():
                _end(process)

    def start(self, name: str, command: Sequence[str], env: Mapping[str, str]) -> None:
        """Start a server in a session of its own, so that Ctrl-C reaches the demo alone."""
        with self.log(name).open("ab") as log:
            self._running[name] = subprocess.Popen(  # noqa: S603 - our own commands
                command,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def log(self, name: str) -> Path:
        """Return a server's log file."""
        return self._logs / f"{name}.log"

    def check(self) -> None:
        """Check that every server still runs.

        Raises:
            ServerDied: One does not; says which, and where its log is.
        """
        for name, process in self._running.items():
            if process.poll() is not None:
                raise ServerDied(
                    f"{name} ended by itself with code {process.returncode}. Its last line was: "
                    f"{_last_line(self.log(name))} The rest is in {self.log(name)}."
                )


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ignore a second Ctrl-C: it would leave servers running."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Wait for a server that was told to stop; then end what is left of it and its children."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_WITHIN_S)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else "(none)"

"""Processes that end with the test, however it ends."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

# Whoever starts it ends: so does it.
LEASHED = ["setpriv", "--pdeathsig", "KILL"]

NAMESPACES = ["unshare", "--uts"] + ([] if os.geteuid() == 0 else ["--user", "--map-root-user"])

# With process ids of its own, as in a container: its first process takes all others along.
ALONE = [*NAMESPACES, "--pid", "--fork", "--kill-child", "--mount-proc"]


class Ended(Exception):
    """A process ended that should be running."""


class Processes:
    """Starts processes, each with a log file, and kills them all when the block is left.

    Args:
        logs: Folder of the log files.
    """

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        self.logs.mkdir(parents=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for name in reversed(list(self._running)):
            self.kill(name)

    def start(self, name: str, command: Sequence[str], env: Mapping[str, str]) -> None:
        """Start a process on the leash."""
        self._start(name, [*LEASHED, *command], env)

    def start_contained(self, name: str, command: Sequence[str], env: Mapping[str, str]) -> None:
        """Start a process that believes to be alone on a machine with this name."""
        self._start(name, [*LEASHED, *named(name, command, ALONE)], env)

    def kill(self, name: str) -> None:
        """End a process and all that it started, at once."""
        process = self._running.pop(name)
        process.kill()
        process.wait()

    def check(self) -> None:
        """Check that every process still runs.

        Raises:
            Ended: One does not.
        """
        for name, process in self._running.items():
            if process.poll() is not None:
                raise Ended(f"{name} ended by itself with code {process.returncode}.")

    def cpu_s(self) -> dict[str, float]:
        """Return the seconds of CPU that each process used, with those it started."""
        return {name: _cpu_s(process.pid) for name, process in self._running.items()}

    def memory(self) -> dict[str, int]:
        """Return the bytes that each process and those it started share fairly with others."""
        return {name: _memory(process.pid) for name, process in self._running.items()}

    def tails(self) -> str:
        """Return the ends of all log files."""
        return "\n".join(tail(path) for path in sorted(self.logs.glob("*.log")))

    def _start(self, name: str, command: Sequence[str], env: Mapping[str, str]) -> None:
        with (self.logs / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                command,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )


def named(host: str, command: Sequence[str], namespaces: Sequence[str] = NAMESPACES) -> list[str]:
    """Return a command that runs on a machine of another name."""
    return [*namespaces, "sh", "-c", 'hostname "$0"; exec "$@"', host, *command]


def tail(path: Path, lines: int = 12) -> str:
    """Return the end of a log file, long lines cut."""
    last = path.read_text(errors="replace").splitlines()[-lines:]
    return "\n".join([f"--- {path.parent.name}/{path.name}", *(line[:400] for line in last)])


def _family(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _cpu_s(pid: int) -> float:
    total = 0.0
    for process in _family(pid):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        # Of children that ended, too.
        total += times.user + times.system + times.children_user + times.children_system
    return total


def _memory(pid: int) -> int:
    total = 0
    for process in _family(pid):
        try:
            total += process.memory_full_info().pss
        except psutil.NoSuchProcess:
            continue
    return total

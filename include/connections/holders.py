"""Which process holds a lease, and whether it is still there."""

import os
import signal
import socket
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Holder:
    """A process.

    Attributes:
        host: Its machine since its last start, and its container: process ids mean nothing beyond.
        pid: Its id there.
        started: When it started, in the kernel's words: ids are used again. "" where not known.
    """

    host: str
    pid: int
    started: str

    @property
    def is_here(self) -> bool:
        """Whether this process could see it."""
        return self.host == _host()

    @property
    def is_dead(self) -> bool:
        """Whether it certainly does not run any more; False where that cannot be known."""
        return self.is_here and _started(self.pid) != self.started

    @property
    def is_this_process(self) -> bool:
        """Whether it is the process that asks."""
        return self.is_here and self.pid == os.getpid()

    def end(self, how: signal.Signals) -> bool:
        """Send it a signal if it is another process of this machine; return whether it was."""
        if not self.is_here or self.is_this_process or self.is_dead:
            return False
        with suppress(ProcessLookupError, PermissionError):
            os.kill(self.pid, how)
            return True
        return False


def this_process() -> Holder:
    """Return the process that asks."""
    return Holder(_host(), os.getpid(), _started(os.getpid()) or "")


@cache
def _host() -> str:
    """Return what no other machine, container or start of this machine is called."""
    parts = [socket.gethostname()]
    with suppress(OSError):
        parts.append((_PROC / "sys/kernel/random/boot_id").read_text().strip()[:8])
        parts.append((_PROC / "self/ns/pid").readlink().name.strip("pid:[]"))
    return "/".join(parts)[:255]


def _started(pid: int) -> str | None:
    """Return when a process started; None if there is none, "" where that cannot be known."""
    try:
        status = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        if _PROC.joinpath("self").exists():
            return None
        return "" if _is_there(pid) else None
    # The name of the program, which may hold anything, is in parentheses before the rest.
    state, *rest = status.rpartition(")")[2].split()
    return None if state in {"Z", "X"} else rest[18]


def _is_there(pid: int) -> bool:
    """Ask the system without /proc, as on macOS."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

"""One process at a time for the data of a connection."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Busy(Exception):
    """Another process works on the connection."""


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold a lock, which the system releases however the process ends.

    DuckDB's own lock comes too late: a load empties the connection's working folder before it
    opens the file, and a build works in that folder, too.

    Args:
        path: The lock's file, made if need be; it stays, with nothing but a process id in it.

    Raises:
        Busy: Another process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise Busy(
                f"Another process ({file.read() or 'unknown'}) is working on this connection: run "
                "again when it has ended."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield

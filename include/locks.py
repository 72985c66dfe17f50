"""A file that one process at a time locks."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def waiting(path: Path) -> Iterator[None]:
    """Hold a lock, which the system releases however the process ends; wait for whoever has it.

    Args:
        path: The lock's file, made if need be; it stays, empty.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield

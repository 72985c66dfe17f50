"""Files that are whole, or not there, also after a crash of the machine."""

import os
from pathlib import Path


def put(file: Path, content: bytes, scratch: Path) -> None:
    """Write a file that takes the place of the one before at once.

    Args:
        file: What it is called.
        content: What it holds.
        scratch: A folder on the same file system to make it in.
    """
    fresh = scratch / file.name
    fresh.write_bytes(content)
    settle(fresh)
    os.replace(fresh, file)  # noqa: PTH105 - the atomic one


def settle(file: Path) -> None:
    """See to it that a file's content, or the names in a folder, are on the disk."""
    handle = os.open(file, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

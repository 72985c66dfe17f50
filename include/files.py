"""Measuring and deleting files, also while somebody else does."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path


class NotDeleted(Exception):
    """Files are left that should be gone."""


def files_below(path: Path) -> Iterator[Path]:
    """Yield the files in a folder, or the file itself; links are not followed."""
    if path.is_symlink() or not path.is_dir():
        if path.is_symlink() or path.exists():
            yield path
        return
    for folder, folders, names in os.walk(path):
        yield from (Path(folder, name) for name in names)
        yield from (Path(folder, name) for name in folders if Path(folder, name).is_symlink())


def measure(paths: Iterable[Path]) -> dict[str, int]:
    """Return how many files there are in some files and folders, and how many bytes.

    One that has several names counts once.
    """
    sizes = {}
    for path in paths:
        for file in files_below(path):
            with suppress(FileNotFoundError):
                about = file.lstat()
                sizes[about.st_dev, about.st_ino] = about.st_size
    return {"files": len(sizes), "bytes": sum(sizes.values())}


def remove(paths: Iterable[Path]) -> None:
    """Delete files and folders with all that is in them.

    One that cannot be deleted does not keep the others from it.

    Raises:
        NotDeleted: Some are left.
    """
    reasons: list[str] = []
    for path in paths:
        reasons += _remove(path)
    if reasons:
        why = ", ".join(sorted(set(reasons)))
        raise NotDeleted(
            f"{len(reasons)} files or folders could not be deleted ({why}). "
            "Check who owns the data folder and Airflow's logs, and that their file system can be "
            "written."
        )


def _remove(path: Path) -> list[str]:
    """Delete a file or a folder; return why parts of it could not be."""
    if path.is_symlink() or not path.is_dir():
        return _attempt(path, is_folder=False)
    reasons: list[str] = []
    for folder, folders, names in os.walk(path, topdown=False):
        for name in names:
            reasons += _attempt(Path(folder, name), is_folder=False)
        for name in folders:
            below = Path(folder, name)
            reasons += _attempt(below, is_folder=not below.is_symlink())
    return reasons + _attempt(path, is_folder=True)


def _attempt(path: Path, *, is_folder: bool) -> list[str]:
    try:
        if is_folder:
            path.rmdir()
        else:
            path.unlink()
    except FileNotFoundError:
        pass
    except OSError as failure:
        return [failure.strerror or type(failure).__name__]
    return []

"""Searches files for many needles at once, byte by byte."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

CHUNK = 16 * 1024 * 1024
"""Bytes looked at in one go."""

AT_ONCE = 6_000
"""Bytes of needles in one pattern: RE2 takes a thousand times as long when it has too many."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A needle that was found.

    Attributes:
        needle: That one.
        path: The file.
    """

    needle: str
    path: Path


class Search:
    """Looks for needles, none of them within a longer name or number.

    Args:
        needles: What to look for.
    """

    def __init__(self, needles: Iterable[str]) -> None:
        self._needles = {needle.encode(): needle for needle in needles if needle}
        self._overlap = max((len(needle) for needle in self._needles), default=0) + 1
        self.files = 0
        self.bytes = 0

    def in_files(self, paths: Iterable[Path]) -> Iterator[Hit]:
        """Yield what is found in files, each needle once a file.

        Many small files are looked at in one go: to make the patterns ready takes longer than to
        look at one of them.
        """
        for pieces in _together(self._pieces(paths)):
            contents = [content for _, content in pieces]
            hit = {at for pattern in self._patterns for at in _matching(contents, pattern)}
            found = {(pieces[at][0], needle) for at in hit for needle in self._named(contents[at])}
            yield from (Hit(needle, path) for path, needle in sorted(found))

    def in_text(self, content: bytes) -> set[str]:
        """Return the needles that are in some bytes."""
        if any(_matching([content], pattern) for pattern in self._patterns):
            return self._named(content)
        return set()

    def _named(self, content: bytes) -> set[str]:
        return {
            name
            for needle, name in self._needles.items()
            if needle in content and _whole(needle).search(content)
        }

    def _pieces(self, paths: Iterable[Path]) -> Iterator[tuple[Path, bytes]]:
        """Yield the contents of files, of large ones in pieces that overlap."""
        for path in paths:
            try:
                if not path.is_file():
                    continue
                with path.open("rb") as file:
                    self.files += 1
                    before = b""
                    while chunk := file.read(CHUNK):
                        self.bytes += len(chunk)
                        yield path, before + chunk
                        before = chunk[-self._overlap :]
            except OSError:
                # Gone meanwhile, or not ours to read: a socket, or another user's.
                continue

    @cached_property
    def _patterns(self) -> list[str]:
        patterns: list[list[bytes]] = []
        room = 0
        for needle in sorted(self._needles):
            if len(needle) > room:
                patterns.append([])
                room = AT_ONCE
            patterns[-1].append(re.escape(needle))
            room -= len(needle)
        return [b"|".join(parts).decode("latin-1") for parts in patterns]


def _together(pieces: Iterable[tuple[Path, bytes]]) -> Iterator[list[tuple[Path, bytes]]]:
    """Yield pieces in lists that are not too large."""
    batch: list[tuple[Path, bytes]] = []
    size = 0
    for piece in pieces:
        batch.append(piece)
        size += len(piece[1])
        if size >= CHUNK:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _matching(contents: list[bytes], pattern: str) -> list[int]:
    """Return which of some contents match a pattern."""
    # Takes a while to import, and the DAG file, which never searches, is parsed all day.
    import pyarrow as pa  # noqa: PLC0415
    from pyarrow import compute as pc  # noqa: PLC0415

    matches = pc.match_substring_regex(pa.array(contents, pa.binary()), pattern).to_pylist()
    return [at for at, is_match in enumerate(matches) if is_match]


def _whole(needle: bytes) -> re.Pattern[bytes]:
    """Return what finds a needle that is no part of a longer word or number."""
    return re.compile(rb"(?<![A-Za-z0-9])" + re.escape(needle) + rb"(?![A-Za-z0-9])")

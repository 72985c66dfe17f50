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

LONG = 16
"""Characters of a needle that is found within longer words, too, as marks and connections' ids."""

SHORT = 6
"""Anything shorter is found as a word of its own only, whatever the file."""

SQLITE_MAGICS = (
    b"SQLite format 3\0",
    b"\x37\x7f\x06\x82",
    b"\x37\x7f\x06\x83",
    b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7",
)
"""How a database of SQLite begins, its write-ahead log, and its journal."""

ARROW_MAGICS = (b"ARROW1", b"\xff\xff\xff\xff")
"""How an Arrow IPC file begins, and a stream."""

DUCKDB_MAGIC = b"DUCK"
"""Stands in a DuckDB file after its first eight bytes."""

HEAD = 16
"""Bytes from which it is seen what a file is."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A needle that was found.

    Attributes:
        needle: That one.
        path: The file.
        is_loose: It is short, and part of a longer word or number wherever it is in the file.
    """

    needle: str
    path: Path
    is_loose: bool = False


@dataclass(frozen=True, slots=True)
class _Piece:
    """A file's content, or a part of it.

    Attributes:
        path: The file.
        content: The bytes.
        is_packed: Values stand back to back in it, with nothing in between.
    """

    path: Path
    content: bytes
    is_packed: bool


class Search:
    """Looks for needles; for short ones not within a longer name or number.

    In files in which values stand back to back, short ones are looked for there, too.

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
            contents = [piece.content for piece in pieces]
            hit = {at for pattern in self._patterns for at in _matching(contents, pattern)}
            found = {
                (pieces[at].path, needle, is_loose)
                for at in hit
                for needle, is_loose in self._named(contents[at], is_packed=pieces[at].is_packed)
            }
            yield from (Hit(needle, path, is_loose) for path, needle, is_loose in sorted(found))

    def in_text(self, content: bytes) -> set[str]:
        """Return the needles that are in some bytes."""
        if any(_matching([content], pattern) for pattern in self._patterns):
            return {needle for needle, _ in self._named(content, is_packed=False)}
        return set()

    def _named(self, content: bytes, *, is_packed: bool) -> Iterator[tuple[str, bool]]:
        """Yield the needles that are in some bytes, and whether each is loose."""
        for needle, name in self._needles.items():
            if needle not in content:
                continue
            if len(needle) >= LONG or _whole(needle).search(content):
                yield name, False
            elif is_packed and len(needle) >= SHORT:
                yield name, True

    def _pieces(self, paths: Iterable[Path]) -> Iterator[_Piece]:
        """Yield the contents of files, of large ones in pieces that overlap."""
        for path in paths:
            try:
                if not path.is_file():
                    continue
                with path.open("rb") as file:
                    self.files += 1
                    is_packed = _is_packed(file.read(HEAD))
                    file.seek(0)
                    before = b""
                    while chunk := file.read(CHUNK):
                        self.bytes += len(chunk)
                        yield _Piece(path, before + chunk, is_packed)
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


def head_of(path: Path) -> bytes:
    """Return the bytes from which it is seen what a file is; none if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(HEAD)
    except OSError:
        return b""


def is_sqlite(head: bytes) -> bool:
    """Tell whether a file that begins so is SQLite's."""
    return head.startswith(SQLITE_MAGICS)


def is_duckdb(head: bytes) -> bool:
    """Tell whether a file that begins so is a DuckDB database."""
    return head[8:12] == DUCKDB_MAGIC


def _is_packed(head: bytes) -> bool:
    return is_sqlite(head) or is_duckdb(head) or head.startswith(ARROW_MAGICS)


def _together(pieces: Iterable[_Piece]) -> Iterator[list[_Piece]]:
    """Yield pieces in lists that are not too large."""
    batch: list[_Piece] = []
    size = 0
    for piece in pieces:
        batch.append(piece)
        size += len(piece.content)
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

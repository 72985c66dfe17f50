"""Generations: all marts of a connection as one publish wrote them, and which one is current."""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from include.published.layout import CURRENT, GENERATIONS, generations_of

_TIME = "%Y%m%dT%H%M%S.%fZ"
"""How a generation is named: by its time, which no path and no address has to quote."""

_LOOKS = 3
"""How often it is looked again if the generation was replaced and removed meanwhile."""


@dataclass(frozen=True, slots=True)
class Generation:
    """The marts of a connection, all of one publish.

    Attributes:
        id: Sorts by time.
        published_at: When it became the current one, in UTC.
        folder: Where its files are.
        marts: The Parquet file of each mart.
    """

    id: str
    published_at: datetime
    folder: Path
    marts: Mapping[str, Path]


class Mart(msgspec.Struct, frozen=True):
    """What is known of a mart's file without opening it.

    Attributes:
        rows: How many it has.
        schema: Stands for the names and types of its columns.
    """

    rows: int
    schema: str


class Pointer(msgspec.Struct, frozen=True):
    """The content of `current.json`.

    Attributes:
        generation: The id of the current generation.
        marts: What is in it.
    """

    generation: str
    marts: dict[str, Mart]


def current(published: Path, connection_id: str) -> Generation | None:
    """Return the generation of a connection that readers are to read.

    Its files stay for `CORVANA_PUBLISHED_GRACE_MINUTES` after the next one took its place.

    Args:
        published: Folder of the published marts.
        connection_id: Whose.

    Returns:
        None if nothing is published, yet or any more.
    """
    folder = generations_of(published, connection_id)
    for _ in range(_LOOKS):
        pointer = pointer_in(folder)
        if pointer is None:
            return None
        if is_whole(folder, pointer):
            return _generation(folder, pointer)
    return None


def pointers(published: Path) -> dict[str, Pointer]:
    """Return what is current of all connections whose current generation is whole."""
    found = {}
    with suppress(FileNotFoundError), os.scandir(published / GENERATIONS) as folders:
        for entry in folders:
            _, is_connection, connection_id = entry.name.partition("connection_id=")
            if not is_connection:
                continue
            pointer = pointer_in(Path(entry.path))
            if pointer is not None and is_whole(Path(entry.path), pointer):
                found[connection_id] = pointer
    return found


def pointer_in(folder: Path) -> Pointer | None:
    """Return what is current in a folder of generations; None if nothing (readable) is."""
    try:
        return msgspec.json.decode((folder / CURRENT).read_bytes(), type=Pointer)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def is_whole(folder: Path, pointer: Pointer) -> bool:
    """Whether all files of a generation are there: one that is damaged is as good as none."""
    try:
        files = set(os.listdir(folder / pointer.generation))  # noqa: PTH208 - names are enough
    except FileNotFoundError:
        return False
    return files >= {f"{mart}.parquet" for mart in pointer.marts}


def file_of(folder: Path, generation: str, mart: str) -> Path:
    """Return the file of a mart in a folder of generations."""
    return folder / generation / f"{mart}.parquet"


def _generation(folder: Path, pointer: Pointer) -> Generation:
    marts = {mart: file_of(folder, pointer.generation, mart) for mart in sorted(pointer.marts)}
    return Generation(
        pointer.generation, time_of(pointer.generation), folder / pointer.generation, marts
    )


def next_id(folder: Path, now: datetime) -> str:
    """Return the id of a generation made now: later than the current one, whatever the clock."""
    pointer = pointer_in(folder)
    if pointer is not None:
        now = max(now, time_of(pointer.generation) + timedelta(microseconds=1))
    return now.astimezone(UTC).strftime(_TIME)


def time_of(generation: str) -> datetime:
    """Return the time that a generation is named by."""
    return datetime.strptime(generation, _TIME).replace(tzinfo=UTC)

"""What is measured, in which worlds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.bench.world import Run, World

TOUCHED = 0.6
"""Share of the issues to which something happened, where it is to be realistic."""
LATENCY_MS = 100
CHANGES = {"resolved": 50, "assigned": 50, "deleted": 20}
CHANGED_SHARE = 100
"""In the incremental run one in so many issues changed, and one in so many had an event."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A run as a line of the report.

    Attributes:
        name: What was measured.
        issues: Issues that the organization has.
        run: The load.
        floor: The bare download of the same.
        stored: Issues in the warehouse afterwards.
        changed, noticed: Issues changed before, and those of them that the warehouse then showed.
    """

    name: str
    issues: int
    run: Run
    floor: Run
    stored: int
    changed: dict[str, int] = field(default_factory=dict)
    noticed: dict[str, int] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        """How many times as long as the floor the load took."""
        return self.run.seconds / self.floor.seconds


def untouched(issues: int, concurrency: int) -> Iterator[Measured]:
    """Measure as other connectors were: issues alone, untouched, then a few changed by people.

    `events/` and `stats_v2/` are asked but know of nothing: the others do not read them.
    """
    with World(concurrency, issues, bursts=0, releases=20) as world:
        yield _full(world, "full")
        changed = world.control("change", **CHANGES)
        world.control("advance", seconds=3600)
        yield _incremental(world, "second", changed)


def distant(issues: int, concurrency: int) -> Iterator[Measured]:
    """Measure the same full load from a server that takes its time."""
    with World(concurrency, issues, bursts=0, releases=20) as world:
        yield _full(world, "full, distant", LATENCY_MS)


def realistic(issues: int, concurrency: int) -> Iterator[Measured]:
    """Measure a full load of all there is, and an hour later an incremental one."""
    with World(concurrency, issues, TOUCHED) as world:
        yield _full(world, "realistic")
        half = max(issues // CHANGED_SHARE // 2, 1)
        changed = world.control("change", resolved=half, assigned=half)
        world.control("advance", seconds=3600, active=issues // CHANGED_SHARE)
        yield _incremental(world, "incremental", changed)


def _full(world: World, name: str, latency_ms: int = 0) -> Measured:
    run = world.load(latency_ms)
    return Measured(name, world.issues, run, world.floor(latency_ms), world.stored())


def _incremental(world: World, name: str, changed: dict[str, list[int]]) -> Measured:
    run = world.load()
    return Measured(
        name,
        world.issues,
        run,
        world.floor(),
        world.stored(),
        {kind: len(ids) for kind, ids in changed.items()},
        world.noticed(changed),
    )

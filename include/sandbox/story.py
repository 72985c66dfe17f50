"""One issue's story while it is written: its events, its moves, and the spans without events."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from include.sandbox.catalog import ProjectPlan
    from include.sandbox.dice import Dice


class Move(NamedTuple):
    """An action before it gets its id; `at` is in epoch seconds."""

    at: float
    kind: str
    actor: str | None
    data: dict[str, object]


@dataclass(frozen=True, slots=True)
class Shelf:
    """A project's releases by creation time: epoch seconds, and codes into `versions`."""

    created: Sequence[float]
    codes: Sequence[int]
    versions: Sequence[str]

    def current(self, at: float) -> str:
        """Return the newest version at a moment, "" before the first."""
        position = bisect_right(self.created, at) - 1
        return self.versions[self.codes[position]] if position >= 0 else ""

    def following(self, at: float) -> tuple[float, str] | None:
        """Return when the next release appears after a moment, and its version."""
        position = bisect_right(self.created, at)
        if position == len(self.created):
            return None
        return self.created[position], self.versions[self.codes[position]]


@dataclass(slots=True)
class Story:
    """What is decided about an issue so far.

    Attributes:
        dice: The issue's own chance.
        plan: Its project.
        shelf: Its project's releases.
        first: Epoch seconds of the first event.
        end: Nothing happens at or after it.
        events_end: No event at or after it.
        needed: An event is promised at this second; before it no resolution is final.
        raw: Times of batches if nobody resolved the issue.
        shape: The traffic's shape.
        moves: The actions, in no particular order.
        gaps: Spans (start, end) in which the issue is resolved, so without events.
        added: Events that exist because the story needs them, such as regressions.
        assignee: The present assignee.
        loudness: Factor on its events.
        louder_from: From then on (epoch seconds) the project's growth multiplies its events.
        is_plain: Never resolved or archived; only such an issue can absorb others.
    """

    dice: Dice
    plan: ProjectPlan
    shelf: Shelf
    first: int
    end: float = 0.0
    events_end: float = 0.0
    needed: int | None = None
    raw: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    shape: str = "burst"
    level: str = "error"
    category: str = "error"
    is_unhandled: bool = False
    moves: list[Move] = field(default_factory=list)
    gaps: list[tuple[float, float]] = field(default_factory=list)
    added: list[int] = field(default_factory=list)
    assignee: tuple[str, str] | None = None
    loudness: float = 1.0
    louder_from: float | None = None
    is_plain: bool = True

    @property
    def is_urgent(self) -> bool:
        """Whether Sentry gives it a high priority at first."""
        return self.level == "fatal" or (self.level == "error" and self.is_unhandled)

    def do(self, at: float, kind: str, actor: str | None = None, **data: object) -> None:
        """Write an action down, unless it lies beyond the end."""
        if at < self.end:
            self.moves.append(Move(at, kind, actor, data))

    def next_event(self, after: float) -> int | None:
        """Return the first raw event after a moment."""
        position = int(np.searchsorted(self.raw, after, side="right"))
        if position == len(self.raw):
            return None
        return int(self.raw[position])

    def silence(self, start: float, stop: float) -> None:
        """Leave out the events between two moments, both excluded."""
        self.gaps.append((start, stop))

    def event_times(self) -> NDArray[np.int64]:
        """Return the final times of batches: raw and added ones outside the gaps."""
        times = np.unique(np.append(self.raw, np.array(self.added, dtype=np.int64)))
        kept = times < self.events_end
        for start, stop in self.gaps:
            kept &= (times <= start) | (times >= stop)
        kept[0] = True
        return times[kept]

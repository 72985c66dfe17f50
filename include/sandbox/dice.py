"""Repeatable chance for the generator."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")
_NORMAL = NormalDist()
_BLOCK = 64


class Dice:
    """A stream of chance named by integers: the same name gives the same throws everywhere.

    Throws come from one block of uniform numbers at a time, because single draws from NumPy cost
    a microsecond each.
    """

    def __init__(self, *name: int) -> None:
        self.rng = np.random.default_rng(name)
        self._block: list[float] = []

    def fork(self) -> Dice:
        """Return another stream, named by a throw of this one."""
        return Dice(self.integer(0, 2**31 - 1), 31)

    def unit(self) -> float:
        """Return a number in [0, 1)."""
        if not self._block:
            self._block = self.rng.random(_BLOCK).tolist()
        return self._block.pop()

    def chance(self, probability: float) -> bool:
        """Return True with the probability."""
        return self.unit() < probability

    def between(self, low: float, high: float) -> float:
        """Return a number in [low, high)."""
        return low + (high - low) * self.unit()

    def integer(self, low: int, high: int) -> int:
        """Return a whole number from low to high, both included."""
        return low + int((high - low + 1) * self.unit())

    def pick(self, options: Sequence[T]) -> T:
        """Return one of the options, all equally likely."""
        return options[int(len(options) * self.unit())]

    def weighted(self, options: Sequence[tuple[T, float]]) -> T:
        """Return one of the options by weight; the weights need no particular sum."""
        left = self.unit() * sum(weight for _, weight in options)
        for option, weight in options:
            left -= weight
            if left < 0:
                return option
        return options[-1][0]

    def exponential(self, mean: float) -> float:
        """Return a waiting time."""
        return -mean * math.log(1.0 - self.unit())

    def lognormal(self, median: float, sigma: float) -> float:
        """Return a heavy-tailed positive number."""
        return median * math.exp(sigma * _NORMAL.inv_cdf(min(max(self.unit(), 1e-9), 1 - 1e-9)))

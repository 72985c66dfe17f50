"""What is said about health."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """How well something is.

    Attributes:
        HEALTHY: As it should be.
        DEGRADED: Something is late or out of reach; nothing is lost, and the rest goes on.
        UNHEALTHY: It does not do what it is there for: somebody has to act.
    """

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


_WORSE = tuple(Status)


@dataclass(frozen=True, slots=True)
class Finding:
    """What is seen of one thing.

    Attributes:
        status: How well it is.
        sentence: What is seen and, unless it is healthy, what to do.
        figures: Numbers, each named with its unit.
    """

    status: Status
    sentence: str
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Health:
    """What is seen of everything.

    Attributes:
        findings: By the name of the check.
        at: When.
    """

    findings: Mapping[str, Finding]
    at: datetime

    @property
    def status(self) -> Status:
        """The worst of all."""
        return max((one.status for one in self.findings.values()), key=_WORSE.index)

    def in_short(self) -> dict[str, Any]:
        """Return what anybody may know: no sentence, no figure."""
        checks = {name: {"status": one.status} for name, one in self.findings.items()}
        return {"status": self.status, "checks": checks}

    def in_full(self) -> dict[str, Any]:
        """Return everything."""
        checks = {
            name: {"status": one.status, "sentence": one.sentence, "figures": dict(one.figures)}
            for name, one in self.findings.items()
        }
        return {"status": self.status, "at": self.at.isoformat(), "checks": checks}

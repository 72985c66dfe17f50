"""All checks together."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from threading import Lock

from include.health import checks
from include.health.model import Health, Status
from include.health.probe import Probe

LIMIT_S = 5.0
"""Seconds that a check may take, all of them at once."""

KEPT_S = 5.0
"""Seconds for which a finding is good: however often anybody asks, nothing is asked more often."""

SENTRY_KEPT_S = 60.0
"""… but for Sentry, which is not ours."""


class Examination:
    """Looks at everything at once.

    Args:
        probes: By the name of the check.
    """

    def __init__(self, probes: Mapping[str, Probe]) -> None:
        self._probes = probes
        self._looking = Lock()

    def health(self) -> Health:
        """Return what is seen now, or was just before; takes as long as a check may at most."""
        with self._looking:
            for probe in self._probes.values():
                probe.begin()
            findings = {name: probe.finding() for name, probe in self._probes.items()}
        return Health(findings, datetime.now(UTC))


@cache
def examination() -> Examination:
    """Return this process' examination."""
    return Examination(
        {
            "registry": Probe(checks.registry, limit_s=LIMIT_S, keep_s=KEPT_S),
            "warehouse": Probe(checks.warehouse, limit_s=LIMIT_S, keep_s=KEPT_S),
            "sentry": Probe(
                checks.sentry, limit_s=LIMIT_S, keep_s=SENTRY_KEPT_S, late=Status.DEGRADED
            ),
            "loads": Probe(checks.loads, limit_s=LIMIT_S, keep_s=KEPT_S),
            "purges": Probe(checks.purges, limit_s=LIMIT_S, keep_s=KEPT_S),
        }
    )

"""Events Sentry did not accept, by project, outcome and hour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from include.sandbox.dice import Dice

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from include.sandbox.organization import Organization

HOUR_S = 3600
SHARES = {"filtered": 0.07, "invalid": 0.004, "client_discard": 0.05}
"""Events beside each accepted one; rate limiting happens in spikes only."""
BASE_PER_HOUR = {"filtered": 0.35, "invalid": 0.01, "client_discard": 0.15}
SPIKE_FACTOR = 8.0


def dropped_events(organization: Organization) -> dict[str, dict[str, NDArray[np.int64]]]:
    """Return events per hour from the start to the horizon, by project id and outcome."""
    span = organization.horizon - organization.start
    hours = int(span.total_seconds() // HOUR_S) + 1
    events = organization.events
    hour = (events.times - int(organization.start.timestamp())) // HOUR_S
    result: dict[str, dict[str, NDArray[np.int64]]] = {}
    for position, project in enumerate(organization.projects):
        mine = events.projects == position
        accepted = np.bincount(hour[mine], events.counts[mine], hours).astype(np.float64)
        result[project.id] = _of_project(accepted, Dice(organization.seed, 5, position))
    return result


def _of_project(accepted: NDArray[np.float64], dice: Dice) -> dict[str, NDArray[np.int64]]:
    has_traffic = bool(accepted.any())
    series = {
        outcome: dice.rng.poisson(share * accepted + BASE_PER_HOUR[outcome] * has_traffic)
        for outcome, share in SHARES.items()
    }
    limit = SPIKE_FACTOR * max(1.0, float(accepted.mean()))
    series["rate_limited"] = dice.rng.poisson(0.6 * np.maximum(accepted - limit, 0.0))
    return {outcome: counts.astype(np.int64) for outcome, counts in series.items()}

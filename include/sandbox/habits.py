"""How the people of a project work: the chances that its issues' stories are written with."""

from __future__ import annotations

from dataclasses import dataclass

Weights = tuple[tuple[str, float], ...]

RESOLUTIONS: Weights = (
    ("set_resolved", 0.46),
    ("in_release", 0.12),
    ("in_next_release", 0.16),
    ("set_resolved_in_commit", 0.12),
    ("set_resolved_in_pull_request", 0.14),
)


@dataclass(frozen=True, slots=True)
class Habits:
    """What makes a team's process good or bad.

    Attributes:
        archive_rate: How likely an open spell ends in the archive.
        interest: Attention, 0 to 1, for issues that are resolved in the end, and for others.
        assignment_days: Median time until a person assigns an issue.
        handover_rate: How likely an assigned issue is passed on.
        return_rate: How likely it then comes back.
        reopen_rate: How likely a person reopens what was resolved.
        resolutions: How issues are resolved.
        urgent_delay: Factor on the time to resolve what is urgent.
        growth: Factor on the events of the last four weeks.
        failure_share: Share of the releases that a loud new error fails.
        bad_weekday: Releases of this weekday (0 is Monday) bring five more errors.
    """

    archive_rate: float = 0.13
    interest: tuple[float, float] = (0.75, 0.4)
    assignment_days: float = 0.35
    handover_rate: float = 0.2
    return_rate: float = 0.4
    reopen_rate: float = 0.07
    resolutions: Weights = RESOLUTIONS
    urgent_delay: float = 1.0
    growth: float = 1.0
    failure_share: float = 0.0
    bad_weekday: int | None = None


USUAL = Habits()
"""Those of an ordinary organization, with its ordinary faults."""

HEALTHY = Habits(
    archive_rate=0.05,
    interest=(1.0, 1.0),
    handover_rate=0.1,
    return_rate=0.1,
    reopen_rate=0.02,
    resolutions=(
        ("set_resolved", 0.2),
        ("in_release", 0.3),
        ("in_next_release", 0.2),
        ("set_resolved_in_commit", 0.15),
        ("set_resolved_in_pull_request", 0.15),
    ),
)
"""Those of teams in which nothing is wrong."""

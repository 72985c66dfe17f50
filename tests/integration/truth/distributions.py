"""`resolution_time_distribution`: how long resolution takes, by project and month."""

import math
from collections import defaultdict
from collections.abc import Sequence
from datetime import date

from tests.integration.truth.episodes import Episode, episodes
from tests.integration.truth.facts import Facts
from tests.integration.truth.formulas import quantile, survival
from tests.integration.truth.ledger import Row

CENSOR_KINDS = ("open", "by_age", "archived", "merged", "deleted", "out_of_reach")


BINS = (
    ("resolved_in_1h_count", 1),
    ("resolved_in_4h_count", 4),
    ("resolved_in_12h_count", 12),
    ("resolved_in_1d_count", 24),
    ("resolved_in_7d_count", 168),
    ("resolved_in_28d_count", 672),
    ("resolved_in_168d_count", 4032),
    ("resolved_later_count", math.inf),
)
"""Columns of the histogram, and the hours at which each ends, exclusive."""

Group = tuple[str, str | None, str | None, date]


def resolution_time_distribution(facts: Facts) -> list[Row]:
    """Return the rows of the mart: every episode once in each scope."""
    groups: dict[Group, list[Episode]] = defaultdict(list)
    for episode in episodes(facts):
        for place, project_id in (
            ("project", episode.issue["project_id"]),
            ("organization", None),
        ):
            groups[place, project_id, None, episode.cohort_month].append(episode)
            for name in ("level", "priority"):
                segment = episode.issue[name] or "unknown"
                key = f"{place}_{name}", project_id, segment, episode.cohort_month
                groups[key].append(episode)
    return [_row(facts, *key, members) for key, members in groups.items()]


def _row(
    facts: Facts,
    scope: str,
    project_id: str | None,
    segment: str | None,
    month: date,
    members: Sequence[Episode],
) -> Row:
    resolved = [one.open_hours for one in members if one.is_resolved]
    curve = survival([(one.open_hours, one.is_resolved) for one in members])
    kinds = [one.censor_kind for one in members]
    parts = [scope, project_id or "all", *([segment] if segment else []), str(month)]
    return {
        "distribution_id": "-".join(parts),
        "scope": scope,
        "project_id": project_id,
        "project_slug": None if project_id is None else facts.slugs[project_id],
        "issue_level": segment if scope.endswith("_level") else None,
        "issue_priority": segment if scope.endswith("_priority") else None,
        "episode_count": len(members),
        "resolved_count": len(resolved),
        "censored_count": len(members) - len(resolved),
        **{f"{kind}_count": kinds.count(kind) for kind in CENSOR_KINDS},
        **_histogram(resolved),
        "naive_median_hours": quantile(resolved, 0.5),
        "naive_p75_hours": quantile(resolved, 0.75),
        "naive_p90_hours": quantile(resolved, 0.9),
        "naive_p95_hours": quantile(resolved, 0.95),
        "km_p25_hours": curve.p25,
        "km_median_hours": curve.median,
        "km_median_low_hours": curve.median_low,
        "km_median_high_hours": curve.median_high,
        "km_p75_hours": curve.p75,
        "km_p90_hours": curve.p90,
        "cohort_month": month,
        "as_of": facts.as_of,
    }


def _histogram(resolved: Sequence[float]) -> Row:
    counts, before = {}, 0
    for name, end in BINS:
        until = sum(one < end for one in resolved)
        counts[name], before = until - before, until
    return counts

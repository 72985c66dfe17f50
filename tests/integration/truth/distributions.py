"""`resolution_time_distribution`: how long resolution takes, by project and month."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date

from tests.integration.truth.episodes import Episode, episodes
from tests.integration.truth.facts import Facts
from tests.integration.truth.formulas import quantile, survival
from tests.integration.truth.ledger import Row

CENSOR_KINDS = ("open", "by_age", "archived", "merged", "deleted", "out_of_reach")


def resolution_time_distribution(facts: Facts) -> list[Row]:
    """Return the rows of the mart: every episode once by project and once over all."""
    groups: dict[tuple[str | None, date], list[Episode]] = defaultdict(list)
    for episode in episodes(facts):
        groups[episode.issue["project_id"], episode.cohort_month].append(episode)
        groups[None, episode.cohort_month].append(episode)
    return [_row(facts, *key, members) for key, members in groups.items()]


def _row(facts: Facts, project_id: str | None, month: date, members: Sequence[Episode]) -> Row:
    resolved = [one.open_hours for one in members if one.is_resolved]
    curve = survival([(one.open_hours, one.is_resolved) for one in members])
    kinds = [one.censor_kind for one in members]
    scope = "organization" if project_id is None else "project"
    return {
        "distribution_id": f"{scope}-{project_id or 'all'}-{month}",
        "scope": scope,
        "project_id": project_id,
        "project_slug": None if project_id is None else facts.slugs[project_id],
        "episode_count": len(members),
        "resolved_count": len(resolved),
        "censored_count": len(members) - len(resolved),
        **{f"{kind}_count": kinds.count(kind) for kind in CENSOR_KINDS},
        "naive_median_hours": quantile(resolved, 0.5),
        "naive_p75_hours": quantile(resolved, 0.75),
        "naive_p90_hours": quantile(resolved, 0.9),
        "naive_p95_hours": quantile(resolved, 0.95),
        "km_median_hours": curve.median,
        "km_median_low_hours": curve.median_low,
        "km_median_high_hours": curve.median_high,
        "km_p75_hours": curve.p75,
        "km_p90_hours": curve.p90,
        "cohort_month": month,
        "as_of": facts.as_of,
    }

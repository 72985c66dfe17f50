"""Every mart: how it is computed from the facts, and the column that names its rows."""

from collections.abc import Callable

from tests.integration.truth.dimensions import (
    data_freshness,
    dim_issue,
    dim_project,
    dim_release,
)
from tests.integration.truth.distributions import resolution_time_distribution
from tests.integration.truth.episodes import resolution_time
from tests.integration.truth.errors import error_frequency, project_error_rate
from tests.integration.truth.facts import Facts
from tests.integration.truth.findings import process_findings
from tests.integration.truth.ledger import Row
from tests.integration.truth.loads import assignment_load
from tests.integration.truth.patterns import assignment_pattern
from tests.integration.truth.stability import release_stability, release_stability_summary

MARTS: dict[str, tuple[str, Callable[[Facts], list[Row]]]] = {
    "release_stability": ("release_project_id", release_stability),
    "release_stability_summary": ("project_id", release_stability_summary),
    "assignment_pattern": ("project_week_id", assignment_pattern),
    "resolution_time": ("episode_id", resolution_time),
    "resolution_time_distribution": ("distribution_id", resolution_time_distribution),
    "error_frequency": ("project_day_id", error_frequency),
    "project_error_rate": ("project_week_id", project_error_rate),
    "assignment_load": ("assignment_load_id", assignment_load),
    "dim_project": ("project_id", dim_project),
    "dim_release": ("release_id", dim_release),
    "dim_issue": ("issue_id", dim_issue),
    "data_freshness": ("table_name", data_freshness),
    "process_findings": ("finding_id", process_findings),
}

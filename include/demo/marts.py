"""A first look at the published marts: a short table from each."""

from dataclasses import dataclass
from pathlib import Path

import duckdb
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Look:
    """A short question to one mart.

    Attributes:
        mart: The mart.
        title: What the answer shows.
        query: SQL over the published views; `$connection` is the connection's id.
    """

    mart: str
    title: str
    query: str


LOOKS = (
    Look(
        "release_stability",
        "Release stability: the latest releases old enough to judge",
        """
        select
            project_slug as project,
            left(release_version, 26) as release,
            strftime(released_at, '%Y-%m-%d') as released,
            new_issue_count as "new issues",
            regression_count as regressions,
            round(stability_score)::int as score,
            stability_grade as grade
        from release_stability
        where connection_id = $connection and is_mature
        order by released_at desc, release_project_id
        limit 6
        """,
    ),
    Look(
        "assignment_pattern",
        "Assignment patterns: the latest complete week",
        """
        select
            project_slug as project,
            opened_count as opened,
            open_count as "open at end",
            round(100 * unassigned_share)::int || ' %' as "time unassigned",
            handoff_count as handoffs,
            round(100 * top_assignee_share)::int || ' %' as "with the busiest",
            round(km_median_hours_to_assignment)::int || ' h' as "median to assignment"
        from assignment_pattern
        where connection_id = $connection and is_complete_week
        qualify week_start_date = max(week_start_date) over ()
        order by open_count desc, project_slug
        limit 6
        """,
    ),
    Look(
        "resolution_time",
        "Resolution times: what counting only closed issues would hide",
        """
        select
            strftime(cohort_month, '%Y-%m') as "opened in",
            episode_count as episodes,
            resolved_count as resolved,
            open_count as "still open",
            round(naive_median_hours / 24, 1) || ' d' as "median of closed",
            coalesce(round(km_median_hours / 24, 1) || ' d', 'not reached') as "open ones counted"
        from resolution_time_distribution
        where connection_id = $connection and scope = 'organization'
        order by cohort_month desc
        limit 6
        """,
    ),
    Look(
        "error_frequency",
        "Error frequency: the latest complete day",
        """
        select
            project_slug as project,
            accepted_count as errors,
            round(mean_7d)::int as "7-day mean",
            round(week_over_week_ratio, 2) as "week over week",
            case
                when is_spike then 'spike'
                when mann_kendall_p < 0.05 and theil_sen_slope > 0 then 'rising'
                when mann_kendall_p < 0.05 and theil_sen_slope < 0 then 'falling'
                else 'steady'
            end as trend
        from error_frequency
        where connection_id = $connection and is_complete_day
        qualify error_date = max(error_date) over ()
        order by accepted_count desc, project_slug
        limit 6
        """,
    ),
    Look(
        "project_error_rate",
        "Project error rates: the latest complete week",
        """
        select
            project_slug as project,
            round(errors_per_hour, 1) as "errors per hour",
            round(100 * organization_share)::int || ' %' as "of all errors",
            round(100 * dropped_share, 1) || ' %' as dropped,
            new_issue_count as "new issues",
            release_count as releases
        from project_error_rate
        where connection_id = $connection and is_complete_week
        qualify week_start_date = max(week_start_date) over ()
        order by errors_per_hour desc, project_slug
        limit 6
        """,
    ),
)


def show_marts(views: Path, connection_id: str, console: Console) -> list[str]:
    """Print a short table from each mart and return the names of those without rows.

    Args:
        views: The published database of views; opened read-only, as a BI tool would.
        connection_id: Whose rows to show.
        console: Where to print.
    """
    empty = []
    with duckdb.connect(str(views), read_only=True) as database:
        for look in LOOKS:
            answer = database.execute(look.query, {"connection": connection_id})
            names = [column[0] for column in answer.description or ()]
            rows = answer.fetchall()
            console.print(_table(look.title, names, rows))
            if not rows:
                empty.append(look.mart)
    return empty


def _table(title: str, names: list[str], rows: list[tuple[object, ...]]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for position, name in enumerate(names):
        is_number = bool(rows) and isinstance(rows[0][position], int | float)
        table.add_column(name, justify="right" if is_number else "left", no_wrap=True)
    for row in rows:
        table.add_row(
            *(
                "-" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
                for value in row
            )
        )
    return table

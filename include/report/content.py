"""Everything that a report shows, read from the marts."""

from dataclasses import dataclass
from datetime import datetime

from include.report import assignment, errors, releases, resolution
from include.report import episodes as of_episodes
from include.report.chart import Chart
from include.report.findings import Finding, findings
from include.report.freshness import Freshness, freshness
from include.report.headlines import Figure, headlines
from include.report.marts import Marts
from include.report.tables import Table, tables
from include.report.views import Project, number_projects, projects


@dataclass(frozen=True, slots=True)
class Content:
    """What a report shows.

    Attributes:
        as_of: Sentry's time at the start of the load that it tells of, UTC.
        projects: Projects that can be looked at alone.
        headlines: Of each choice, by number of the project and key of the period.
        findings: All of them.
        charts: By the section they are in.
        tables: By their name.
        freshness: How complete everything is.
    """

    as_of: datetime
    projects: list[Project]
    headlines: dict[tuple[int, str], dict[str, Figure]]
    findings: list[Finding]
    charts: dict[str, list[Chart]]
    tables: dict[str, Table]
    freshness: Freshness


def content(marts: Marts) -> Content:
    """Return what a report of some marts shows."""
    selectable = projects(marts)
    number_projects(marts, selectable)
    episodes = of_episodes.read(marts)
    return Content(
        as_of=marts.as_of,
        projects=selectable,
        headlines=headlines(marts, episodes, selectable),
        findings=findings(marts),
        charts={
            "releases": releases.charts(marts),
            "resolution": resolution.charts(marts, episodes, selectable),
            "assignment": assignment.charts(marts, episodes, selectable),
            "errors": errors.charts(marts),
        },
        tables={table.name: table for table in tables(marts)},
        freshness=freshness(marts),
    )

"""The organization, its projects and its environments."""

import msgspec

from dlt_sources.sentry import endpoints
from dlt_sources.sentry.allowlist import Environment
from dlt_sources.sentry.client import Params
from dlt_sources.sentry.context import Load
from dlt_sources.sentry.known import changed, known_rows
from dlt_sources.sentry.rows import environment_row, organization_row, project_row
from dlt_sources.sentry.slices import Slice
from dlt_sources.sentry.tables import EnvironmentRow, OrganizationRow, ProjectRow


def add_structure(load: Load, part: Slice) -> None:
    """Add the organization, its projects, visible and lost, and its environments."""
    known_organizations = known_rows(load.known, "organizations", OrganizationRow)
    rows = [organization_row(load.organization)]
    part.add(
        "organizations", changed("organizations", rows, known_organizations, load.checks.settle)
    )
    part.add("projects", _projects(load))
    with load.tolerating("environments"):
        part.add("environments", _environments(load))


def _projects(load: Load) -> list[ProjectRow]:
    """Return new and changed projects; those that are no longer listed say since when."""
    known = known_rows(load.known, "projects", ProjectRow)
    visible = changed("projects", map(project_row, load.projects), known, load.checks.settle)
    listed = {project.id for project in load.projects}
    lost = [
        msgspec.structs.replace(row, lost_at=load.as_of)
        for row in known.values()
        if row.id not in listed and row.lost_at is None
    ]
    return [*visible, *lost]


def _environments(load: Load) -> list[EnvironmentRow]:
    known = known_rows(load.known, "environments", EnvironmentRow)
    params: Params = {"visibility": "all", "project": -1}
    found = load.client.get(endpoints.ENVIRONMENTS, list[Environment], params)
    return changed("environments", map(environment_row, found), known, load.checks.settle)

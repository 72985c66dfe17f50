"""The organization, its projects and its environments."""

from collections.abc import Iterator

import pyarrow as pa
from dlt.sources import DltResource

from dlt_sources.sentry import endpoints
from dlt_sources.sentry.allowlist import Environment
from dlt_sources.sentry.client import Params
from dlt_sources.sentry.context import Load
from dlt_sources.sentry.known import changed, known_rows
from dlt_sources.sentry.resources import table_resource
from dlt_sources.sentry.rows import environment_row, organization_row, project_row
from dlt_sources.sentry.tables import EnvironmentRow, OrganizationRow, ProjectRow


def structure_resources(load: Load) -> list[DltResource]:
    """Return the resources `organizations`, `projects` and `environments`."""

    def organizations() -> Iterator[pa.Table]:
        known = known_rows(load.known, "organizations", OrganizationRow)
        rows = changed("organizations", [organization_row(load.organization)], known)
        yield load.table("organizations", rows)

    def projects() -> Iterator[pa.Table]:
        known = known_rows(load.known, "projects", ProjectRow)
        rows = changed("projects", map(project_row, load.projects), known)
        yield load.table("projects", rows)

    def environments() -> Iterator[pa.Table]:
        known = known_rows(load.known, "environments", EnvironmentRow)
        params: Params = {"visibility": "all", "project": -1}
        found = load.client.get(endpoints.ENVIRONMENTS, list[Environment], params)
        rows = changed("environments", map(environment_row, found), known)
        yield load.table("environments", rows)

    return [
        table_resource("organizations", organizations),
        table_resource("projects", projects),
        table_resource("environments", environments),
    ]

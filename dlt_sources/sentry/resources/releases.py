"""Releases, the projects they belong to, and their deploys."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import dlt
import pyarrow as pa
from dlt.sources import DltResource

from dlt_sources.sentry import endpoints
from dlt_sources.sentry.allowlist import Deploy, Release
from dlt_sources.sentry.client import Params
from dlt_sources.sentry.context import Load
from dlt_sources.sentry.errors import NotFound
from dlt_sources.sentry.known import changed, known_rows
from dlt_sources.sentry.resources import table_resource
from dlt_sources.sentry.rows import deploy_row, release_project_rows, release_row
from dlt_sources.sentry.tables import DeployRow, ReleaseProjectRow, ReleaseRow

CHANGEABLE = timedelta(days=30)
"""Releases younger than this are read again by every load; older ones change seldom."""

FULL_PASS_EVERY = timedelta(days=1)
"""How often the older ones are read again: they can be archived, deployed and released late."""


def release_resources(load: Load) -> list[DltResource]:
    """Return the resources `releases`, `release_projects` and `deploys`.

    dlt's state remembers the last full pass in `releases_full_pass`.
    """

    def release_pages() -> Iterator[list[Release]]:
        state = dlt.current.source_state()
        last = state.get("releases_full_pass")
        is_full = last is None or load.as_of - datetime.fromisoformat(last) >= FULL_PASS_EVERY
        oldest = None if is_full else load.as_of - CHANGEABLE
        yield _read_releases(load, oldest)
        if is_full:
            state["releases_full_pass"] = load.as_of.isoformat()

    def releases(found: list[Release]) -> Iterator[pa.Table]:
        known = known_rows(load.known, "releases", ReleaseRow)
        yield load.table("releases", changed("releases", map(release_row, found), known))

    def release_projects(found: list[Release]) -> Iterator[pa.Table]:
        known = known_rows(load.known, "release_projects", ReleaseProjectRow)
        rows = (row for release in found for row in release_project_rows(release))
        yield load.table("release_projects", changed("release_projects", rows, known))

    def deploys(found: list[Release]) -> Iterator[pa.Table]:
        known_releases = known_rows(load.known, "releases", ReleaseRow)
        known_deploys = known_rows(load.known, "deploys", DeployRow)
        rows = [
            deploy_row(deploy, release)
            for release in found
            if _has_new_deploy(release, known_releases.get((release.id,)))
            for deploy in _read_deploys(load, release)
        ]
        yield load.table("deploys", changed("deploys", rows, known_deploys))

    pages = dlt.resource(release_pages, name="release_pages", selected=False)
    return [
        table_resource("releases", releases, data_from=pages),
        table_resource("release_projects", release_projects, data_from=pages),
        table_resource("deploys", deploys, data_from=pages),
    ]


def _read_releases(load: Load, oldest: datetime | None) -> list[Release]:
    """Return the releases, open and archived, created since `oldest` (None: all).

    Newest first, which is Sentry's order; archived ones are hidden unless asked for
    (`api/endpoints/organization_releases.py`).
    """
    found: dict[int, Release] = {}
    for status in ("open", "archived"):
        params: Params = {"project": -1, "status": status, "per_page": 100}
        for page in load.client.pages(endpoints.RELEASES, list[Release], params):
            found |= {release.id: release for release in page}
            if oldest and page and _is_before(page[-1].date_created, oldest):
                break
    return list(found.values())


def _is_before(created: datetime | None, oldest: datetime) -> bool:
    return created is not None and created < oldest


def _has_new_deploy(release: Release, known: ReleaseRow | None) -> bool:
    """Tell whether a release was deployed since it was last read."""
    if release.deploy_count == 0:
        return False
    row = release_row(release)
    return known is None or (row.deploy_count, row.last_deploy_id) != (
        known.deploy_count,
        known.last_deploy_id,
    )


def _read_deploys(load: Load, release: Release) -> Iterator[Deploy]:
    """Yield a release's deploys; none if it was deleted since it was listed."""
    try:
        for page in load.client.pages(
            endpoints.DEPLOYS, list[Deploy], {"per_page": 100}, version=release.version
        ):
            yield from page
    except NotFound:
        return

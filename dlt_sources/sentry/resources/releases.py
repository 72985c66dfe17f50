"""Releases, the projects they belong to, and their deploys."""

from collections.abc import Generator, Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from msgspec import UNSET
from msgspec.structs import replace

from dlt_sources.sentry import endpoints
from dlt_sources.sentry.allowlist import Deploy, Release
from dlt_sources.sentry.client import Params
from dlt_sources.sentry.context import Load
from dlt_sources.sentry.errors import AccessDenied, MultipleProjectsRefused, NotFound
from dlt_sources.sentry.known import Key, changed, known_rows
from dlt_sources.sentry.parallel import chunks
from dlt_sources.sentry.rows import deploy_row, projects_of, release_project_rows, release_row
from dlt_sources.sentry.search import ALL_PROJECTS
from dlt_sources.sentry.slices import Slice
from dlt_sources.sentry.tables import DeployRow, ReleaseProjectRow, ReleaseRow
from dlt_sources.sentry.watermarks import is_due

AT_ONCE = 100
"""Releases whose deploys are read before the slice may end."""

CHANGEABLE = timedelta(days=30)
"""Releases younger than this are read again by every load; older ones change seldom and are read
once a day: they can be archived, deployed and released late."""


def add_releases(load: Load, part: Slice) -> Generator[Slice, None, Slice]:
    """Add new and changed releases, and the deploys of those deployed since they were read.

    A release's row and its deploys are in the same slice: the row tells that they were read. A
    first load that runs out of time leaves the oldest ones to the next.

    Yields:
        Slices that are full.

    Returns:
        The slice that is not.
    """
    is_full = is_due(load.watermarks.releases_read_at, load.as_of)
    oldest = None if is_full else load.as_of - CHANGEABLE
    with load.tolerating("releases"):
        found = _read_releases(load, oldest)
        known = known_rows(load.known, "releases", ReleaseRow)
        known_projects = known_rows(load.known, "release_projects", ReleaseProjectRow)
        known_deploys = known_rows(load.known, "deploys", DeployRow)
        for some in chunks(found, AT_ONCE):
            rows = [release_row(one) for one in some]
            deployed = [one for one in some if _has_new_deploy(one, known.get((one.id,)))]
            with load.tolerating("deploys"):
                part.add("deploys", _deploys(load, deployed, known_deploys))
            if "deploys" in load.lost:
                _forget_deploys(rows, deployed)
            of_projects = [row for one in some for row in release_project_rows(one)]
            part.add(
                "release_projects",
                changed("release_projects", of_projects, known_projects, load.checks.settle),
            )
            part.add("releases", changed("releases", rows, known, load.checks.settle))
            if part.is_full:
                yield part
                part = Slice(load)
                if load.is_first and not load.has_time:
                    return part
        if is_full:
            load.watermarks.releases_read_at = load.as_of
    return part


def _forget_deploys(rows: Iterable[ReleaseRow], deployed: Iterable[Release]) -> None:
    """Let rows of releases say of their deploys what was stored: the next load tries them again."""
    ids = {release.id for release in deployed}
    for row in rows:
        if row.id in ids:
            row.last_deploy_id = UNSET  # type: ignore[assignment] # until it is settled


def _deploys(
    load: Load, releases: list[Release], known: Mapping[Key, DeployRow]
) -> list[DeployRow]:
    read = load.workers.in_order(lambda one: _read_deploys(load, one), releases)
    rows = (
        deploy_row(deploy, release)
        for release, deploys in zip(releases, read, strict=True)
        for deploy in deploys
    )
    return changed("deploys", rows, known, load.checks.settle)


def _read_releases(load: Load, oldest: datetime | None) -> list[Release]:
    """Return the releases, open and archived, created since `oldest` (None: all).

    Newest first, which is Sentry's order; archived ones are hidden unless asked for
    (`api/endpoints/organization_releases.py`).
    """
    found: dict[int, Release] = {}
    for status in ("open", "archived"):
        for release in _listed(load, status, oldest):
            known = found.get(release.id)
            found[release.id] = release if known is None else _united(known, release)
    return list(found.values())


def _listed(load: Load, status: str, oldest: datetime | None) -> Iterator[Release]:
    """Yield the releases of all projects, asked for project by project where need be."""
    if load.watermarks.server.spans_projects:
        try:
            yield from _of_projects(load, ALL_PROJECTS, status, oldest)
        except MultipleProjectsRefused:
            load.watermarks.server.spans_projects = False
        else:
            return
    for project_id in load.readable_project_ids:
        try:
            yield from _of_projects(load, project_id, status, oldest)
        except AccessDenied:
            if load.is_first:
                raise
            load.lose(f"project {project_id}", "access_lost")


def _of_projects(
    load: Load, project: str | int, status: str, oldest: datetime | None
) -> Iterator[Release]:
    params: Params = {"project": project, "status": status, "per_page": 100}
    for page in load.client.pages(endpoints.RELEASES, list[Release], params):
        yield from page
        if oldest and page and _is_before(page[-1].date_created, oldest):
            return


def _united(one: Release, other: Release) -> Release:
    """Return a release listed twice; a list of one project's releases may name that one only."""
    projects = {project.id: project for project in (*projects_of(one), *projects_of(other))}
    if len(projects) == len(projects_of(other)):
        return other
    counts = [project.new_groups for project in projects.values()]
    total = sum(counts) if all(isinstance(count, int) for count in counts) else UNSET
    return replace(other, projects=list(projects.values()), new_groups=total)


def _is_before(created: datetime | None, oldest: datetime) -> bool:
    return isinstance(created, datetime) and created < oldest


def _has_new_deploy(release: Release, known: ReleaseRow | None) -> bool:
    """Tell whether a release was deployed since it was last read."""
    if release.deploy_count == 0:
        return False
    if known is None:
        return True
    row = release_row(release)
    return any(
        getattr(row, name) not in {UNSET, getattr(known, name)}
        for name in ("deploy_count", "last_deploy_id")
    )


def _read_deploys(load: Load, release: Release) -> list[Deploy]:
    """Return a release's deploys; none if it was deleted since it was listed."""
    pages = load.client.pages(
        endpoints.DEPLOYS, list[Deploy], {"per_page": 100}, version=release.version
    )
    try:
        return [deploy for page in pages for deploy in page]
    except NotFound:
        return []

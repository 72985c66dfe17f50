"""Which projects the installing user can reach, and what they are called today."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.sandbox.behaviours import Behaviours
    from include.sandbox.organization import Organization, Project


@dataclass(frozen=True, eq=False, slots=True)
class Reach:
    """The organization's projects as they are seen.

    Attributes:
        every: All projects by id, with today's slugs.
        listed: What the projects list shows.
        reachable: What queries may be about, in the organization's order.
        by_name: The reachable ones by id and by slug.
        withheld: Ids and slugs that exist and are refused.
        former_slugs: Reachable projects by the slug they had before they were renamed.
    """

    every: Mapping[str, Project]
    listed: tuple[Project, ...]
    reachable: tuple[Project, ...]
    by_name: Mapping[str, Project]
    withheld: frozenset[str]
    former_slugs: Mapping[str, Project]

    def has(self, project_id: str) -> bool:
        """Return whether a project can be reached."""
        return project_id in self.by_name


def reach(organization: Organization, behaviours: Behaviours) -> Reach:
    """Return what the behaviours leave of the organization's projects."""
    slugs = behaviours.project_slugs
    present = tuple(
        replace(project, slug=slugs.get(project.id, project.slug))
        for project in organization.projects
    )
    existing = [project for project in present if project.id not in behaviours.deleted_projects]
    listed = tuple(one for one in existing if one.id not in behaviours.hidden_projects)
    reachable = tuple(one for one in listed if one.id not in behaviours.has_access_false)
    refused = [project for project in existing if project not in reachable]
    return Reach(
        every={project.id: project for project in present},
        listed=listed,
        reachable=reachable,
        by_name={name: one for one in reachable for name in (one.slug, one.id)},
        withheld=frozenset(name for one in refused for name in (one.slug, one.id)),
        former_slugs={
            organization.projects_by_id[one.id].slug: one for one in reachable if one.id in slugs
        },
    )

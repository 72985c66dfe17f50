"""The organizations that the installing user is a member of.

There is the one with everything in it, and those of `other_organizations`, which are empty: what
is asked about them is answered by the same handlers, out of an organization without facts.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from include.sandbox.behaviours import Behaviours, Switchboard
from include.sandbox.view import View

if TYPE_CHECKING:
    from include.sandbox.behaviours import OtherOrganization


def memberships(view: View) -> list[View]:
    """Return a view of each organization of the user, the sandbox's own first."""
    others = [_view_of(view, other) for other in view.behaviours.other_organizations]
    return others if view.behaviours.account == "removed" else [view, *others]


def elsewhere(view: View, name: str) -> View | None:
    """Return a view of another organization by id or slug, None if the user has no such one."""
    for other in view.behaviours.other_organizations:
        if name in {other.id, other.slug}:
            return _view_of(view, other)
    return None


def _view_of(view: View, other: OtherOrganization) -> View:
    empty = replace(
        view.organization,
        id=other.id,
        slug=other.slug,
        projects=(),
        teams=(),
        people=(),
        environments=(),
        releases=(),
        versions=view.organization.versions[:1],
        issues=(),
    )
    # Renames, moves and the like are about the sandbox's own organization.
    return View(empty, view.clock, Switchboard(Behaviours()))

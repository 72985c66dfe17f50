"""An organization whose allowed free-text fields are canaries: they are collected, and must go."""

from dataclasses import fields, is_dataclass, replace

from include.sandbox.organization import Organization

PLANTED = "z0mbie"
"""In every slug, version and environment."""


def planted(organization: Organization, mark: str = PLANTED) -> Organization:
    """Return the organization with a mark in everything that its people named."""
    named = {organization.slug, *(one.slug for one in organization.projects)}
    named |= {one.name for one in organization.environments}
    named |= {version for version in organization.versions if version}
    swap = {name: f"{mark}-{name}" for name in named}
    changed = _swapped(organization, swap)
    issues = tuple(replace(one, short_id=f"{mark}-{one.short_id}") for one in changed.issues)
    return replace(changed, issues=issues)


def _swapped(value, swap):
    if isinstance(value, str):
        return swap.get(value, value)
    if isinstance(value, tuple):
        return tuple(_swapped(one, swap) for one in value)
    if isinstance(value, dict):
        return {key: _swapped(one, swap) for key, one in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return replace(
            value,
            **{
                one.name: _swapped(getattr(value, one.name), swap)
                for one in fields(value)
                if isinstance(getattr(value, one.name), str | tuple | dict)
                or is_dataclass(getattr(value, one.name))
            },
        )
    return value
